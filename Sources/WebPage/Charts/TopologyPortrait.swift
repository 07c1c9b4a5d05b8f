/// A topology as its file declares it: nodes, what each reads from, and the lines that declare it.
package struct TopologyPortrait: Sendable, Equatable {
    /// What a node does with records.
    package enum Role: Sendable {
        case source, `operator`, sink
    }

    package struct Node: Sendable, Equatable {
        package var name: String
        package var type: String
        package var role: Role
        /// Indices of the nodes that it reads from.
        package var inputs: [Int]
        /// The line of the file that its declaration begins with, counted from 1, and its text.
        package var firstLine: Int
        package var declaration: String

        package init(
            name: String, type: String, role: Role, inputs: [Int], firstLine: Int, declaration: String
        ) {
            self.name = name
            self.type = type
            self.role = role
            self.inputs = inputs
            self.firstLine = firstLine
            self.declaration = declaration
        }
    }

    /// Sources first, each after all it reads from.
    package var nodes: [Node]

    package init(nodes: [Node]) { self.nodes = nodes }
}

/// Where the nodes of a graph stand: in columns, each right of all that it reads from.
struct GraphLayout: Equatable {
    static let box = (width: 172.0, height: 104.0)
    static let gap = (x: 32.0, y: 24.0)
    static let margin = 8.0

    /// The upper left corner of each node's box.
    private(set) var places: [(x: Double, y: Double)] = []
    private(set) var width = 0.0
    private(set) var height = 0.0

    init(_ portrait: TopologyPortrait) {
        var columns = Array(repeating: 0, count: portrait.nodes.count)
        for (index, node) in portrait.nodes.enumerated() {
            columns[index] = (node.inputs.filter { $0 < index }.map { columns[$0] + 1 }.max() ?? 0)
        }
        // A source stands next to what reads from it, not at the far left of a long graph.
        for index in portrait.nodes.indices where portrait.nodes[index].inputs.isEmpty {
            let readers = portrait.nodes.indices.filter { portrait.nodes[$0].inputs.contains(index) }
            if let first = readers.map({ columns[$0] }).min() { columns[index] = first - 1 }
        }
        let count = (columns.max() ?? -1) + 1
        var rows = Array(repeating: 0.0, count: portrait.nodes.count)
        var tallest = 0
        for column in 0..<count {
            // Near the middle of what it reads from, so that edges cross little.
            let members = portrait.nodes.indices.filter { columns[$0] == column }
            let wished = Dictionary(
                uniqueKeysWithValues: members.map { index in
                    let inputs = portrait.nodes[index].inputs.map { rows[$0] }
                    return (index, inputs.isEmpty ? Double(index) : inputs.reduce(0, +) / Double(inputs.count))
                })
            let ordered = members.sorted { (wished[$0]!, $0) < (wished[$1]!, $1) }
            for (row, index) in ordered.enumerated() { rows[index] = Double(row) }
            tallest = max(tallest, ordered.count)
        }
        for index in portrait.nodes.indices {
            let members = columns.count { $0 == columns[index] }
            let offset = Double(tallest - members) / 2
            places.append(
                (
                    Self.margin + Double(columns[index]) * (Self.box.width + Self.gap.x),
                    Self.margin + (rows[index] + offset) * (Self.box.height + Self.gap.y)
                ))
        }
        width = 2 * Self.margin + Double(count) * Self.box.width + Double(max(0, count - 1)) * Self.gap.x
        height = 2 * Self.margin + Double(tallest) * Self.box.height + Double(max(0, tallest - 1)) * Self.gap.y
    }

    static func == (left: GraphLayout, right: GraphLayout) -> Bool {
        left.places.elementsEqual(right.places) { $0 == $1 }
    }
}

/// Which node sets the pace.
package struct Bottleneck: Sendable, Equatable {
    /// The node that is marked; nil when nothing has to wait.
    package var node: String?
    package var sentence: String

    /// Backlog that counts as one: what is read in less than this many seconds is on its way.
    private static let seconds = 3.0
    /// From this share of the time on, commits set the pace.
    private static let committing = 0.7

    /// How much there is to read, as far as known.
    private static func waiting(_ figures: TopologyFigures) -> String {
        guard let lag = figures.lag.map(Double.init) else { return "how much waits is not known" }
        let left = figures.rate > 0 ? ", enough for \(Figures.duration(seconds: lag / figures.rate)) at this rate" : ""
        return "\(Figures.count(lag)) records wait\(left)"
    }

    /// Whether a trouble is one of a node, `node NAME …` or `NAME: …`. A node may have the name of any word in it.
    private static func names(_ trouble: String, _ node: String) -> Bool {
        if trouble.hasPrefix("\(node):") { return true }
        let words = trouble.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
        return zip(words, words.dropFirst()).contains { $0 == "node" && $1 == node }
    }

    /// Looks at a topology.
    /// - Parameters:
    ///   - figures: how it is.
    ///   - portrait: tells which of its nodes are sinks.
    package init(_ figures: TopologyFigures, _ portrait: TopologyPortrait) {
        guard figures.isRunning else {
            let reason = figures.mood == .broken ? figures.reasons.first : nil
            (node, sentence) = (
                nil, reason.map { "It stands still: \($0.split(separator: "\n").first ?? "")" } ?? "It is not running."
            )
            return
        }
        if let trouble = figures.troubles.first {
            node = portrait.nodes.first { Self.names(trouble, $0.name) }?.name
            sentence = "It waits: \(trouble)"
            return
        }
        if let lag = figures.lag, Double(lag) <= max(1_000, figures.rate * Self.seconds) {
            (node, sentence) = (
                nil, "It keeps up: what there is to read is read at once, and its sources set the pace."
            )
            return
        }
        let waiting = Self.waiting(figures)
        if let share = figures.committing, share >= Self.committing,
            let sink = portrait.nodes.first(where: { $0.role == .sink })
        {
            node = sink.name
            sentence =
                "\(sink.name) limits: \(waiting), and the database is at work on commits "
                + "\(Int(min(1, share) * 100)) % of the time."
            return
        }
        let busiest = figures.nodes.filter { ($0.busy ?? 0) > 0 }.max { ($0.busy ?? 0) < ($1.busy ?? 0) }
        guard let busiest, let cores = busiest.busy else {
            (node, sentence) = (nil, "\(waiting), and no node says that it works on them.")
            return
        }
        let all = figures.nodes.reduce(0) { $0 + ($1.busy ?? 0) }
        node = busiest.name
        if all < 0.5 * Double(figures.workers) {
            let free = "the workers have \(Int((1 - all / Double(figures.workers)) * 100)) % of their time left"
            // Where nobody knows what waits, it may be nothing.
            node = figures.lag == nil ? nil : portrait.nodes.first { $0.role == .source }?.name
            sentence = node.map { "\($0) limits: \(waiting), and \(free)." } ?? "Its sources set the pace: \(free)."
        } else {
            sentence =
                "\(busiest.name) limits: \(waiting), and it takes \(Figures.digits(cores)) of "
                + "\(figures.workers) \(figures.workers == 1 ? "worker" : "workers"), most of all nodes."
        }
    }
}
