package import Summaries

extension SummaryCatalog {
    /// What Millrace has, and metrics and windows that nobody outside of this folder knows: a file and a word here each.
    package static let withToys = SummaryCatalog(
        metrics: MetricCatalog(MetricCatalog.all.types + [Spread.self]),
        windows: WindowCatalog(WindowCatalog.all.types + [Shifted.self]))
}
