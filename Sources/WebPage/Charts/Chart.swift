/// What a query has found, drawn.
package protocol Drawing: Sendable {
    var title: String { get }
    /// The drawing, with its title.
    var markup: HTML { get }
}

/// The frame of what is drawn over time: a title, three marks at the left, three moments below.
enum Plot {
    /// Seconds of nearly a day: from there on a time of day alone says too little.
    private static let day = 80_000.0
    /// The box that shapes lie in.
    static let (width, height) = (600.0, 140.0)
    /// Lines at its top, in its middle and at its bottom.
    static let grid: HTML = "M0 .5H600M0 70H600M0 139.5H600"

    /// - Parameters:
    ///   - caption: what stands behind the title.
    ///   - marks: the values at the top, in the middle and at the bottom.
    ///   - from: seconds since 1970 at the left edge; `to` at the right one.
    ///   - label: what it shows, for those who do not see it.
    ///   - readings: what the scripts say of the place under the pointer, as attributes.
    static func markup(
        _ title: String, _ caption: HTML, _ marks: [String], from: Double, to: Double, label: String, readings: HTML,
        _ shapes: HTML
    ) -> HTML {
        let detail: Figures.Clock = to - from < 3_600 ? .second : to - from < Self.day ? .minute : .day
        let moments = [from, (from + to) / 2, to].map { "<span>\(Figures.clock($0, detail))</span>" as HTML }
        return """
            <figure class="chart"><figcaption><b>\(title)</b>\(caption)</figcaption>\
            <div class="plot"><div class="ys">\(marks.map { "<span>\($0)</span>" as HTML })</div>\
            <svg viewBox="0 0 600 140" preserveAspectRatio="none" role="img" aria-label="\(label)" \(readings)>\
            \(shapes)</svg><div class="xs">\(moments)</div></div></figure>
            """
    }
}

/// A chart over time with labelled axes. The shapes are SVG, and stretch; the labels are text beside them, and do not.
package struct Chart: Drawing {
    /// How values are drawn.
    package enum Kind: Sendable {
        /// From zero up.
        case bars
        /// A line; several of them in colours, each named.
        case lines
        /// Lines that lie above one another: what lies between them is filled.
        case band
    }

    /// A line of it, with as many values as all others.
    package struct Line: Sendable {
        package var name: String
        package var values: [Double]

        package init(name: String, values: [Double]) {
            self.name = name
            self.values = values
        }
    }

    package var title: String
    package var kind: Kind
    package var lines: [Line]
    /// Between which values the first line is, where it is an estimate.
    package var bounds: (low: [Double], high: [Double])?
    /// Seconds since 1970 at the left and the right edge.
    package var from: Double
    package var to: Double
    /// How a value is written.
    package var format: @Sendable (Double) -> String
    /// Whether its right edge is now, so that the last value is worth being written out.
    package var endsNow = true
    /// Whether a value is that of a stretch of time, as of a window, and not of a moment.
    package var areStretches = false
    /// Whether they are bytes, whose round numbers are others.
    package var isBinary = false

    package init(
        title: String, kind: Kind, lines: [Line], from: Double, to: Double,
        format: @escaping @Sendable (Double) -> String = { Figures.count($0) }
    ) {
        self.title = title
        self.kind = kind
        self.lines = lines
        self.from = from
        self.to = to
        self.format = format
    }

    package var markup: HTML {
        let most = Shape.largest(lines.flatMap(\.values) + (bounds?.high ?? []))
        let hasAny = lines.contains { $0.values.contains(where: \.isFinite) }
        let top = isBinary ? Shape.binaryCeiling(most) : Shape.ceiling(most)
        let newest = lines.map { line in
            let last = line.values.last(where: \.isFinite)
            return "\(line.name.isEmpty ? "" : line.name + " ")\(last.map(format) ?? "–")"
        }.joined(separator: ", ")
        let caption: HTML = endsNow ? " <span class=\"newest\">\(newest)</span>" : ""
        let says = endsNow ? "now \(newest), " : ""
        let shapes = hasAny ? shapes(top) : .none
        let marks = hasAny ? [axis(top), axis(top / 2), "0"] : ["", "", "0"]
        return Plot.markup(
            title, "\(caption)\(legend)", marks, from: from, to: to,
            label: "\(title): \(says)at most \(format(most))", readings: readings,
            "<path class=\"grid\" d=\"\(Plot.grid)\"/>\(shapes)")
    }

    /// A value at an axis.
    private func axis(_ value: Double) -> String { Figures.round(format(value)) }

    private var legend: HTML {
        if bounds != nil { return "<span class=\"key b\">two standard errors</span>" }
        guard lines.count > 1 else { return .none }
        return HTML(lines.indices.map { "<span class=\"key c\(color($0))\">\(lines[$0].name)</span>" })
    }

    /// What the scripts say of the place under the pointer.
    private var readings: HTML {
        let values = lines.map { line in
            line.values.map { $0.isFinite ? format($0) : "" }.joined(separator: "|")
        }.joined(separator: "\n")
        let stretches: HTML = areStretches || kind == .bars ? " data-stretches" : ""
        return
            "data-from=\"\(String(Int(from)))\" data-to=\"\(String(Int(to)))\" data-names=\"\(lines.map(\.name).joined(separator: "|"))\" data-values=\"\(values)\"\(stretches)"
    }

    private func color(_ index: Int) -> Int { index % 6 }

    private func shapes(_ top: Double) -> HTML {
        let (width, height) = (Plot.width, Plot.height)
        switch kind {
        case .bars:
            let values = lines.first?.values ?? []
            let step = width / Double(max(1, values.count))
            let path = values.enumerated().filter { $0.element.isFinite && $0.element > 0 }.map { index, value in
                let size = value / top * height
                let gap = min(2, step * 0.2)
                return "M\(Shape.place(Double(index) * step)) \(Shape.place(height))v-\(Shape.place(size))"
                    + "h\(Shape.place(step - gap))v\(Shape.place(size))Z"
            }.joined()
            return "<path class=\"bar\" d=\"\(path)\"/>"
        case .lines:
            let error: HTML =
                bounds.map { bounds in
                    let path = Shape.area(
                        bounds.high, above: bounds.low, top: top, width: width, height: height,
                        areStretches: areStretches)
                    return "<path class=\"between\" d=\"\(path)\"/>"
                } ?? ""
            return error
                + HTML(
                    lines.indices.map { index in
                        let path = Shape.line(
                            lines[index].values, top: top, width: width, height: height, areStretches: areStretches)
                        let area: HTML =
                            lines.count > 1 || bounds != nil
                            ? ""
                            : "<path class=\"area\" d=\"\(Shape.area(lines[index].values, top: top, width: width, height: height, areStretches: areStretches))\"/>"
                        return "\(area)<path class=\"line c\(color(index))\" d=\"\(path)\"/>"
                    })
        case .band:
            var all: [HTML] = []
            for index in lines.indices.dropFirst() {
                let path = Shape.area(
                    lines[index].values, above: lines[index - 1].values, top: top, width: width, height: height,
                    areStretches: areStretches)
                all.append("<path class=\"between b\(index % 6)\" d=\"\(path)\"/>")
            }
            for index in lines.indices {
                let path = Shape.line(
                    lines[index].values, top: top, width: width, height: height, areStretches: areStretches)
                all.append(
                    "<path class=\"line c\(color(index))\(HTML(stringLiteral: index > 1 ? " thin" : ""))\" d=\"\(path)\"/>"
                )
            }
            return HTML(all)
        }
    }
}
