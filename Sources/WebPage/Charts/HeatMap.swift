import Foundation

/// How values are spread, over time: a column for each stretch of time, in which the bar with the most values is darkest.
///
/// The axis of values is logarithmic where all have one sign; else it is straight around zero and logarithmic far from it.
package struct HeatMap: Drawing {
    /// How many values of a column lie in a stretch.
    package struct Bar: Sendable, Equatable {
        package var low: Double
        package var high: Double
        package var count: Int64

        package init(low: Double, high: Double, count: Int64) {
            self.low = low
            self.high = high
            self.count = count
        }
    }

    package var title: String
    /// Equal stretches of time, each with its bars; none where there is no value.
    package var columns: [[Bar]]
    /// Seconds since 1970 at the left and the right edge.
    package var from: Double
    package var to: Double
    /// How a value is written.
    package var format: @Sendable (Double) -> String

    /// So many shades are told apart.
    static let shades = 6
    private static let leastHeight = 3.0

    package init(
        title: String, columns: [[Bar]], from: Double, to: Double,
        format: @escaping @Sendable (Double) -> String = { Figures.count($0) }
    ) {
        self.title = title
        self.columns = columns
        self.from = from
        self.to = to
        self.format = format
    }

    package var markup: HTML {
        let scale = Scale(columns.joined().filter { $0.count > 0 })
        let marks =
            scale.map { scale in [1, 0.5, 0].map { Figures.round(format(scale.value(at: $0))) } } ?? ["", "", ""]
        return Plot.markup(
            title, "<span class=\"key heat\">where the values are</span>", marks, from: from, to: to,
            label: scale.map { "\(title): from \(format($0.low)) to \(format($0.high))" } ?? "\(title): no values",
            readings: readings, "\(scale.map(shapes) ?? .none)<path class=\"grid\" d=\"\(Plot.grid)\"/>")
    }

    /// What the scripts say of the place under the pointer: where most values of that time are.
    private var readings: HTML {
        let most = columns.map { bars -> (String, String) in
            guard let bar = bars.max(by: { $0.count < $1.count }), bar.count > 0 else { return ("", "") }
            let total = bars.reduce(0) { $0 + $1.count }
            return (Figures.count(total), "\(format(bar.low)) to \(format(bar.high))")
        }
        let values = most.map(\.0).joined(separator: "|") + "\n" + most.map(\.1).joined(separator: "|")
        return
            "data-from=\"\(String(Int(from)))\" data-to=\"\(String(Int(to)))\" data-names=\"values|most from\" data-values=\"\(values)\" data-stretches"
    }

    /// A path for each shade.
    private func shapes(_ scale: Scale) -> HTML {
        let step = Plot.width / Double(max(1, columns.count))
        var paths = Array(repeating: "", count: Self.shades)
        for (index, bars) in columns.enumerated() {
            let most = Double(bars.map(\.count).max() ?? 0)
            for bar in bars where bar.count > 0 {
                let (low, high) = (scale.place(bar.low), scale.place(bar.high))
                let size = max(Self.leastHeight, (high - low) * Plot.height)
                let bottom = min(Plot.height, Plot.height - (low + high) / 2 * Plot.height + size / 2)
                // A column of few values is no paler than one of many, and what is rare is still to be seen.
                let shade = min(Self.shades - 1, Int((Double(bar.count) / most).squareRoot() * Double(Self.shades)))
                paths[shade] +=
                    "M\(Shape.place(Double(index) * step)) \(Shape.place(bottom))v-\(Shape.place(size))"
                    + "h\(Shape.place(step))v\(Shape.place(size))Z"
            }
        }
        return HTML(
            paths.enumerated().filter { !$0.element.isEmpty }.map {
                "<path class=\"heat h\($0.offset)\" d=\"\($0.element)\"/>"
            })
    }

    /// Where values are on the axis: from 0 at the bottom to 1 at the top.
    struct Scale {
        let low: Double
        let high: Double
        /// Up to about this size the axis is straight; nil where it is logarithmic all along.
        private let straight: Double?

        /// Nil where there is nothing to be placed.
        init?(_ bars: [Bar]) {
            guard let low = bars.map(\.low).min(), let high = bars.map(\.high).max(), low.isFinite, high.isFinite else {
                return nil
            }
            (self.low, self.high) = (low, high)
            let sizes = bars.flatMap { [abs($0.low), abs($0.high)] }.filter { $0 > 0 }
            straight = low > 0 || high < 0 ? nil : sizes.min() ?? 1
        }

        func place(_ value: Double) -> Double {
            let (bottom, top) = (bent(low), bent(high))
            return top > bottom ? min(1, max(0, (bent(value) - bottom) / (top - bottom))) : 0.5
        }

        /// The value at a place.
        func value(at place: Double) -> Double {
            let bent = bent(low) + place * (bent(high) - bent(low))
            if let straight { return sinh(bent) * straight }
            return low > 0 ? exp(bent) : -exp(-bent)
        }

        private func bent(_ value: Double) -> Double {
            if let straight { return asinh(value / straight) }
            return low > 0 ? log(value) : -log(-value)
        }
    }
}
