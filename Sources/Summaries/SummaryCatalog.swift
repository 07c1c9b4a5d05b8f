/// What a summary may be made of.
package struct SummaryCatalog: Sendable {
    /// All that Millrace has.
    package static let all = SummaryCatalog(metrics: .all, windows: .all)

    /// The metrics.
    package var metrics: MetricCatalog
    /// The windows.
    package var windows: WindowCatalog

    /// A catalog of these.
    package init(metrics: MetricCatalog, windows: WindowCatalog) {
        self.metrics = metrics
        self.windows = windows
    }
}
