#include <stdio.h>
#include "count.h"

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) printf("%d\n", count(argv[i]));
    return 0;
}
