import CFault

/// On whose behalf the calling thread works, for whoever has to know when the process dies in it. Threads that it starts work
/// for the same one.
package enum ThreadWork {
    /// Empty for nobody in particular.
    package static var current: String { unsafe String(cString: cf_work()) }

    /// Says for whom the calling thread works from now on.
    static func set(_ name: String) { unsafe cf_set_work(name) }

    /// Works for somebody while `body` runs.
    package static func `for`<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        let before = current
        set(name)
        defer { set(before) }
        return try body()
    }
}
