extension CompiledTopology {
    /// For each table of the topology a query over raw messages that answers the same rows, in the order of the sinks.
    ///
    /// The raw messages are in a table `raw(topic text, partition int, "offset" bigint, "timestamp" timestamptz, key text,
    /// headers json, value json)`. Sinks that keep no tables have none.
    public func tableQueries() -> [TableQuery] {
        sinks.flatMap { sink -> [TableQuery] in
            guard let plan = sink.plan as? any QueryableSink else { return [] }
            var query = QueryText()
            let input = input(of: stages[sink.stage], &query)
            return plan.tables(of: input, in: query)
        }
    }

    private func input(of stage: Stage, _ query: inout QueryText) -> QueryRelation {
        if stage.parents.isEmpty { return messages(of: stage, &query) }
        let inputs = stage.parents.map { relation(of: $0, &query) }
        return inputs.count == 1 ? inputs[0] : union(inputs, stage.name, &query)
    }

    private func relation(of index: Int, _ query: inout QueryText) -> QueryRelation {
        let stage = stages[index]
        let input = input(of: stage, &query)
        guard let plan = stage.plan as? any QueryableStage else {
            query.gap("node \(stage.name) has no SQL: the query goes on as if it were not there")
            return input
        }
        return plan.query(input, as: stage.name, in: &query)
    }

    /// The messages of a stage's sources; all of them where there is no other source.
    private func messages(of stage: Stage, _ query: inout QueryText) -> QueryRelation {
        let raw = QueryRelation(name: QueryText.rawTable)
        let own = stage.sources.sorted().map { sources[$0] }
        if own.count > 1 || own.contains(where: { ($0.plan as? any QueryableSource)?.hasPartitions != false }) {
            query.hasPartitions = true
        }
        if own.count == sources.count { return raw }
        let conditions = own.compactMap { ($0.plan as? any QueryableSource)?.rawCondition }
        guard conditions.count == own.count else {
            query.gap("the raw messages of \(own.map(\.name).joined(separator: ", ")) cannot be told from others")
            return raw
        }
        let body = "SELECT * FROM \(QueryText.rawTable)\nWHERE " + conditions.joined(separator: "\n    OR ")
        return raw.renamed(query.define(own.map(\.name).joined(separator: ","), as: body))
    }

    /// The records of several nodes with the fields that they have alike.
    private func union(_ inputs: [QueryRelation], _ node: String, _ query: inout QueryText) -> QueryRelation {
        let fields = inputs[0].fields.filter { field in inputs.allSatisfy { $0.fields.contains(field) } }
        let common = QueryRelation(name: "", fields: fields, hasEventTime: inputs.allSatisfy(\.hasEventTime))
        let columns = (common.ownColumns + fields.map(\.column)).joined(separator: ", ")
        let body = inputs.map { "SELECT \(columns) FROM \($0.name)" }.joined(separator: "\nUNION ALL ")
        return common.renamed(query.define("\(node).input", as: body))
    }
}
