#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How much of a busy machine a thread gets.
package enum ThreadPriority {
    /// By how much a thread that gives way is nicer than others. Where both have work, it gets a tenth of what they get: so
    /// little that they hardly notice, and enough that a lock in its hands is not held for long.
    package static let niceness: Int32 = 10
    /// The same for threads that strangers can keep busy: a fiftieth of what others get.
    package static let nicenessToStrangers: Int32 = 17

    #if os(Linux)
        /// PRIO_PROCESS, of which each C library has another type.
        static let which: Int32 = 0
    #endif

    /// The calling thread gives way to others from now on, for good, and so does all that it starts: threads and programs.
    ///
    /// One that is nicer already stays so. Where threads have no priority of their own, nothing changes.
    package static func giveWay(_ niceness: Int32 = niceness) {
        #if os(Linux)
            // Against POSIX, Linux takes 0 for the calling thread. That it may be refused is of no account.
            _ = setpriority(which, 0, max(niceness, getpriority(which, 0)))
        #endif
    }
}
