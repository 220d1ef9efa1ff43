"""The course's base images where no registry can be reached: stand-ins, made of Debian packages.

    aliases     which stand-in serves which upstream name
    prepare     pull, or else build, base images on an engine
    bootstrap   the root file system of the base: packages, unpacked into one tar
    packages    choosing and fetching packages with this machine's apt, as any user
    sources     this machine's Debian archives
    command     `container-magics lab`
    images/     one Dockerfile for each stand-in

A registry that answers is always preferred, and whoever uses a stand-in is told so.
"""
