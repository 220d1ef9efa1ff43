"""What a build fetches from elsewhere: git repositories and files over HTTP.

`git_url` reads the URLs, `git` checks a repository out with the `git` program, `http` downloads.
None of them knows the embedded engine: they fill a directory that they are given, for ADD and for
a build context alike.
"""
