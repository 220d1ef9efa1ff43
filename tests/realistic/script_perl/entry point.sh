exec perl -CSDA "$APP_HOME/lib/greet.pl" "$@"
