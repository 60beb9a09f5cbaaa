# What every room uses: names and limits, memory, interruption, errors.
