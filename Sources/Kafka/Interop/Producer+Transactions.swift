internal import CRdKafka

/// Transactions, for producers made with the setting `transactional.id`. Every call blocks.
extension Producer {
    /// Takes over the transactional id; once, before the first transaction.
    public func initializeTransactions(timeout: Duration = KafkaLimits.requestTimeout) throws(KafkaError) {
        try unsafe check(rd_kafka_init_transactions(client.pointer, timeout.milliseconds), "initializing transactions")
    }

    /// Begins a transaction; what is produced next belongs to it.
    public func beginTransaction() throws(KafkaError) {
        try unsafe check(rd_kafka_begin_transaction(client.pointer), "beginning a transaction")
    }

    /// Makes the transaction's messages visible to readers of committed messages.
    public func commitTransaction(timeout: Duration = KafkaLimits.requestTimeout) throws(KafkaError) {
        try unsafe check(rd_kafka_commit_transaction(client.pointer, timeout.milliseconds), "committing a transaction")
    }

    /// Hides the transaction's messages from readers of committed messages.
    public func abortTransaction(timeout: Duration = KafkaLimits.requestTimeout) throws(KafkaError) {
        try unsafe check(rd_kafka_abort_transaction(client.pointer, timeout.milliseconds), "aborting a transaction")
    }

    private func check(_ failure: OpaquePointer?, _ doing: String) throws(KafkaError) {
        if let error = unsafe KafkaError(taking: failure, doing: "kafka: \(doing)") { throw error }
    }
}
