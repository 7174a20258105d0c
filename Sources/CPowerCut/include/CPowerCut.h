// Nothing here is called: the library is loaded in front of the C library (LD_PRELOAD) of a process
// that is to lose what it did not sync. See PowerCut.swift.
