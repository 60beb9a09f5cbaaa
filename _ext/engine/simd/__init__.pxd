# Vector instructions: C headers, and the functions chosen for the CPU that runs.
