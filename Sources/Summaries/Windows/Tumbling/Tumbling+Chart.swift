package import Declaration

extension Tumbling: ChartableWindow {
    package var chart: WindowChart { WindowChart(length: longest, every: longest) }
}
