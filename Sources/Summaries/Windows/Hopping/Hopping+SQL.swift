extension Hopping: QueryableWindow {
    package func starts(around time: String) -> WindowStarts {
        WindowStarts(
            "\(panes.start(around: time)) - number * \(Tumbling.interval(every))",
            for: "generate_series(0, \(windowsPerPane - 1)) AS number")
    }
}
