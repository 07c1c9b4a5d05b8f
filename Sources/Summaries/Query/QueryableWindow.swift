import Declaration

/// Windows whose beginnings Postgres can compute.
package protocol QueryableWindow: WindowFunction {
    /// The windows that hold a moment.
    /// - Parameter time: the moment in SQL.
    func starts(around time: String) -> WindowStarts
}

/// The beginnings of the windows that hold a moment, in SQL.
package struct WindowStarts: Sendable {
    /// A beginning.
    package var start: String
    /// What numbers the windows where there are several: an entry of a FROM clause.
    package var numbers: String?

    /// One window, or as many as there are numbers.
    package init(_ start: String, for numbers: String? = nil) {
        self.start = start
        self.numbers = numbers
    }
}
