import Dataflow

extension CompiledTopology {
    /// What decides what rows behind a stage mean.
    package func meaning(behind stage: Int) -> EventMeaning {
        var meaning = EventMeaning()
        trace(stage, &meaning)
        return meaning
    }

    private func trace(_ index: Int, _ meaning: inout EventMeaning) {
        let stage = stages[index]
        stage.plan.trace(&meaning)
        if stage.parents.isEmpty {
            trace(stage.sources.sorted(), &meaning) { sources[$0].plan.trace(&$1) }
        } else {
            trace(stage.parents, &meaning) { trace($0, &$1) }
        }
    }

    /// Follows every way back. What the ways do not have in common stands under the number of its way, in an order that does
    /// not depend on the file's.
    private func trace(_ ways: [Int], _ meaning: inout EventMeaning, _ follow: (Int, inout EventMeaning) -> Void) {
        if ways.count == 1 { return follow(ways[0], &meaning) }
        let meanings = ways.map { way in
            var own = EventMeaning(usedFields: meaning.usedFields, usesEventTime: meaning.usesEventTime)
            follow(way, &own)
            return own.lines
        }
        let common = meanings.dropFirst().reduce(meanings.first ?? []) { kept, lines in kept.filter(lines.contains) }
        for line in common { meaning.add(line.key, line.value) }
        let rest = meanings.map { lines in
            lines.filter { !common.contains($0) }.sorted { ($0.key, $0.value) < ($1.key, $1.value) }
        }
        let ordered = rest.sorted {
            $0.map { "\($0.key) \($0.value)" }.joined(separator: "\n")
                < $1.map { "\($0.key) \($0.value)" }.joined(separator: "\n")
        }
        for (number, lines) in ordered.enumerated() {
            for line in lines { meaning.add("input \(number + 1) \(line.key)", line.value) }
        }
    }

    /// The columns whose hashes are needed by a stage or one behind it.
    private func neededHashes(from stage: Int) -> Set<Int> {
        stages[stage].children.reduce(stages[stage].plan.neededHashes) { $0.union(neededHashes(from: $1)) }
    }

    /// Of the columns that a stage fills, those whose hashes are needed.
    func hashedColumns(of index: Int) -> [Int] {
        let stage = stages[index]
        let added = stage.firstAdded..<stage.firstAdded + stage.plan.addedColumns.count
        var columns: Set<Int> = []
        for source in stage.sources {
            let layout = sources[source].layout
            for column in neededHashes(from: index).map({ layout.origin(of: $0) }) {
                let isParsed = column < layout.parsedCount && stage.parents.isEmpty
                if isParsed || added.contains(column) { columns.insert(column) }
            }
        }
        return columns.sorted()
    }

    /// The least reach of the clocks that nodes behind a reader of messages ask for; nil for other nodes, and when none asks.
    func clockReach(of index: Int) -> Int64? {
        let reader = stages[index]
        guard reader.parents.isEmpty else { return nil }
        return stages.filter { !Set($0.sources).isDisjoint(with: reader.sources) }.compactMap(\.plan.clockReach).min()
    }

    /// The stages that get the same records as this one and run fused with the node before it, itself among them.
    /// - Parameter concurrency: what was chosen in place of the file's, by node.
    func siblings(of index: Int, _ concurrency: [String: Int] = [:]) -> [(node: String, plan: any StagePlan)] {
        func isFused(_ stage: Stage) -> Bool {
            stage.concurrency == nil && stage.clusterConcurrency == nil && concurrency[stage.name] == nil
        }
        let parents = stages[index].parents
        guard isFused(stages[index]), !parents.isEmpty, !parents.contains(where: { clockReach(of: $0) != nil }) else {
            return []
        }
        return stages.filter { $0.parents == parents && isFused($0) }.map { ($0.name, $0.plan) }
    }
}
