/* Loads a module as Python does, so that everything that it imports must be there. */
#include <stdio.h>
#include <windows.h>

int main(int count, char **arguments) {
    HMODULE module = count == 3 ? LoadLibraryA(arguments[1]) : NULL;
    if (module == NULL || GetProcAddress(module, arguments[2]) == NULL) {
        fprintf(stderr, "not loaded: error %lu\n", GetLastError());
        return 1;
    }
    return 0;
}
