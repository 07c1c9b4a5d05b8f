import Foundation

/// Numbers as a shape of SVG. The box is 0 to `width` by 0 to `height`, the top is the largest value shown; gaps are left
/// where nothing is known.
enum Shape {
    /// The same for bytes: the next power of two, or one and a half of the one before.
    static func binaryCeiling(_ value: Double) -> Double {
        guard value > 1, value.isFinite else { return 1 }
        let power = exp2(floor(log2(value)))
        return [1, 1.5, 2].map { $0 * power }.first { $0 >= value * 0.999_999 } ?? 2 * power
    }

    /// The next of 1, 2, 5, 10, 20, … that is not less: an axis that does not jump while one looks.
    static func ceiling(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 1 }
        let power = pow(10, floor(log10(value)))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value * 0.999_999 } ?? 10 * power
    }

    /// The largest of values that are known.
    static func largest(_ values: some Sequence<Double>) -> Double { values.filter(\.isFinite).max() ?? 0 }

    /// A coordinate with one decimal.
    static func place(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0
            ? String(tenths / 10) : "\(tenths < 0 && tenths > -10 ? "-" : "")\(tenths / 10).\(abs(tenths % 10))"
    }

    /// Stretches of known values, as places in the box.
    ///
    /// Values are moments from edge to edge, or stretches, which have their places in their middles.
    static func runs(
        _ values: [Double], top: Double, width: Double, height: Double, areStretches: Bool = false
    ) -> [[(x: Double, y: Double)]] {
        guard values.count > 1 || areStretches else { return [] }
        var runs: [[(x: Double, y: Double)]] = []
        var run: [(x: Double, y: Double)] = []
        for (index, value) in values.enumerated() {
            if value.isFinite {
                let share = min(1, max(0, value / top))
                let place =
                    areStretches
                    ? (Double(index) + 0.5) / Double(values.count) : Double(index) / Double(values.count - 1)
                run.append((place * width, height - share * height))
            } else if !run.isEmpty {
                runs.append(run)
                run = []
            }
        }
        if !run.isEmpty { runs.append(run) }
        return runs
    }

    /// The path of a line.
    static func line(
        _ values: [Double], top: Double, width: Double, height: Double, areStretches: Bool = false
    ) -> String {
        runs(values, top: top, width: width, height: height, areStretches: areStretches).map { run in
            let points = run.map { "\(place($0.x)) \(place($0.y))" }
            guard points.count == 1, let only = run.first else { return "M" + points.joined(separator: "L") }
            // A value alone would be no line at all: a stretch is as wide as it is, within reason.
            guard areStretches else { return "M\(points[0])h1" }
            let size = min(24, max(4, width / Double(values.count) * 0.8))
            return "M\(place(max(0, only.x - size / 2))) \(place(only.y))h\(place(size))"
        }.joined()
    }

    /// The path of what lies between a line and the bottom, or another line.
    static func area(
        _ values: [Double], above: [Double]? = nil, top: Double, width: Double, height: Double,
        areStretches: Bool = false
    ) -> String {
        let upper = runs(values, top: top, width: width, height: height, areStretches: areStretches)
        let lower = above.map { runs($0, top: top, width: width, height: height, areStretches: areStretches) }
        return upper.enumerated().map { index, run in
            guard let first = run.first else { return "" }
            let there = run.map { "\(place($0.x)) \(place($0.y))" }.joined(separator: "L")
            if let lower, index < lower.count {
                let back = lower[index].reversed().map { "\(place($0.x)) \(place($0.y))" }.joined(separator: "L")
                return "M\(there)L\(back)Z"
            }
            return "M\(there)V\(place(height))H\(place(first.x))Z"
        }.joined()
    }

    /// At most so many samples: each stands for as many, by their mean, or by the largest.
    static func thinned(_ values: [Double], to count: Int) -> [Double] {
        guard values.count > count, count > 0 else { return values }
        let size = (values.count + count - 1) / count
        return stride(from: 0, to: values.count, by: size).map { start in
            let known = values[start..<min(start + size, values.count)].filter(\.isFinite)
            return known.isEmpty ? .nan : known.reduce(0, +) / Double(known.count)
        }
    }
}

/// A small line without axes.
enum Sparkline {
    /// - Parameter label: what it shows, for those who do not see it.
    static func markup(_ values: [Double], label: String) -> HTML {
        let values = Shape.thinned(values, to: 180)
        let top = Shape.ceiling(Shape.largest(values))
        let (width, height) = (180.0, 32.0)
        return """
            <svg class="spark" viewBox="0 0 180 34" preserveAspectRatio="none" role="img" aria-label="\(label)">\
            <path class="area" d="\(Shape.area(values, top: top, width: width, height: height))"/>\
            <path class="line" d="\(Shape.line(values, top: top, width: width, height: height))"/></svg>
            """
    }
}
