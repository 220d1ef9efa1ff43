use utf8;
print "hello $ARGV[0], ", length $ARGV[0], " letters\n";
