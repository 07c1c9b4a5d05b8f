/// Who reads what, and how far behind is it?
package struct PartitionsPage {
    /// A partition as the database has it.
    package struct Stored: Sendable, Equatable {
        package var topic: String
        package var partition: Int32
        /// The process that has it; nil when nobody does.
        package var owner: String?
        package var next: Int64?
        package var end: Int64?
        /// Microseconds since 1970: the clock of its records, and its last commit.
        package var eventTime: Int64?
        package var committedAt: Int64?

        package init(
            topic: String, partition: Int32, owner: String?, next: Int64?, end: Int64?, eventTime: Int64?,
            committedAt: Int64?
        ) {
            self.topic = topic
            self.partition = partition
            self.owner = owner
            self.next = next
            self.end = end
            self.eventTime = eventTime
            self.committedAt = committedAt
        }
    }

    package var request: PageRequest
    package var topology: TopologyFigures
    package var stored: [Stored]
    package var warning: String?

    package init(
        request: PageRequest, topology: TopologyFigures, stored: [Stored], warning: String? = nil
    ) {
        self.request = request
        self.topology = topology
        self.stored = stored
        self.warning = warning
    }

    /// Rows on one page: more than these are counted, not shown.
    private static let rowsMax = 500

    package var markup: HTML {
        Layout(title: "Partitions · \(topology.name)", request: request, lookAgain: 2_000, warning: warning).page(
            topology, "\(halts)\(content)")
    }

    private var halts: HTML {
        let halted = topology.troubles.filter { $0.contains("halted: ") }
        guard !halted.isEmpty else { return .none }
        return HTML(halted.map { "<p class=\"said bad\" role=\"alert\">\($0)</p>" }) + """
            <p class="note">A halted partition is not read until a person has decided: by the statement that is named it goes \
            on, and by <code>millrace reset \(topology.name)</code> the tables begin anew. Of others than the first, the log \
            says the same.</p>
            """
    }

    /// The process that reads a partition now.
    private func reader(_ topic: String, _ partition: Int32) -> TopologyFigures.Partition? {
        topology.partitions.first { $0.topic == topic && $0.partition == partition }
    }

    private func halt(_ topic: String, _ partition: Int32) -> String? {
        topology.troubles.first { trouble in
            guard let word = trouble.firstRange(of: "halted: ") else { return false }
            // The list, and behind a colon what is wrong with the first of them.
            let rest = trouble[word.upperBound...]
            let list = rest[..<(rest.firstRange(of: ": ")?.lowerBound ?? rest.endIndex)]
            return list.split(separator: ", ").contains { $0 == "\(topic)/\(partition)" }
        }
    }

    private var content: HTML {
        guard !stored.isEmpty else {
            return """
                <div class="empty"><h2>Nothing has been read yet</h2><p>Partitions appear with the first commit. \
                <a href="\(Address.view(.why, of: topology.name))">Why</a> says what it waits for.</p></div>
                """
        }
        let rows = stored.prefix(Self.rowsMax).map { one -> [Grid.Cell] in
            let reader = reader(one.topic, one.partition)
            let lag = one.end.flatMap { end in one.next.map { max(0, end - $0) } }
            let state: HTML =
                if halt(one.topic, one.partition) != nil {
                    StateBadge.markup("halted", .broken)
                } else if reader != nil {
                    StateBadge.markup("read", .well)
                } else {
                    StateBadge.markup("not read", topology.isRunning ? .troubled : .resting)
                }
            return [
                .text(one.topic), .number("\(one.partition)"), .init(content: state),
                .text(reader?.owner ?? "–"), .number(one.next.map { Figures.exact($0) } ?? "–"),
                .number(lag.map { Figures.exact($0) } ?? "–"),
                .init(content: one.eventTime.map(Figures.moment) ?? "–"),
                .init(content: one.committedAt.map(Figures.moment) ?? "–"),
            ]
        }
        let rest: HTML =
            stored.count > Self.rowsMax
            ? "<p class=\"note\">\(stored.count - Self.rowsMax) more are not shown.</p>" : ""
        return Grid.markup(
            "Partitions",
            [
                ("topic", false), ("partition", true), ("state", false), ("read by", false), ("position", true),
                ("waiting", true), ("event time", false), ("last commit", false),
            ], rows) + rest
            + "<p class=\"note\">As of each partition's last commit. Waiting is counted from the end of the log that the reader knew then.</p>"
    }
}
