internal import CRdKafka

extension Consumer {
    /// Stops reading and goes on being a member of the group: what is ours stays ours, and nothing of it is fetched.
    ///
    /// Nobody polls it from then on, so the other members wait for it when one of them comes or goes: not for long.
    /// - Returns: false when it had better leave: the group has not answered yet, or waits for an answer of ours, or moves
    ///   partitions one by one, which may then be ours in part.
    /// - Throws: `KafkaError` if reading cannot be stopped; it can still be closed.
    public mutating func standBy() throws(KafkaError) -> Bool {
        guard canStandBy else { return false }
        try halt(positions.map(\.partition))
        return canStandBy
    }

    private var canStandBy: Bool {
        isAssigned && !isCooperative && client.callbacks.nextRebalance == nil && isMember
    }

    /// Begins anew after `standBy`: the next poll asks its delegate about all that is ours, as if the group had just
    /// assigned it.
    /// - Returns: false when it is no member any more: close it, and make another one.
    public mutating func takeUp() -> Bool {
        guard isMember else { return false }
        let owned = table.owned
        table.end(owned, givenUp: true)
        isAssigned = false
        // What the group says in the meantime comes behind this, and undoes it where it has to.
        _ = client.callbacks.record(ClientCallbacks.Rebalance(kind: .assign, partitions: owned))
        return true
    }

    private var isMember: Bool { unsafe client.fatalError == nil && rd_kafka_assignment_lost(client.pointer) == 0 }
}
