/* eddy: events in streams of text. */
#include <eddy/eddy.h>

#include <stdio.h>

int main(void)
{
    printf("eddy %s\n", eddy_version());
    return 0;
}
