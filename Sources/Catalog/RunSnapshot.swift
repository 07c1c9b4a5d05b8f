/// The figures of a topology in one process, as the catalogue keeps them.
package struct RunSnapshot: Sendable, Codable, Equatable {
    /// Records committed since the start.
    package var records: Int64 = 0
    /// Records a second, over the last interval.
    package var rate: Double = 0
    /// Of the records, those in dead letters.
    package var dead: Int64 = 0
    /// Records read and not committed.
    package var uncommitted: Int64 = 0
    /// Payload bytes since the start.
    package var bytes: Int64 = 0
    /// Epochs committed since the start.
    package var epochs: Int64 = 0
    /// Groups written since the start.
    package var rows: Int64 = 0
    /// Records that are not committed yet, as far as known.
    package var lag: Int64?
    /// How long the last commit took, in milliseconds.
    package var commitMilliseconds: Double?
    /// Bytes of memory held, and the budget.
    package var memory: Int = 0
    package var budget: Int = 0
    /// Share of the workers' time that is work, lately: 0 to 1; nil while that is not known.
    package var load: Double?
    /// What it waits for.
    package var troubles: [String] = []
    package var sources: [Source] = []
    package var nodes: [Node] = []
    package var partitions: [Partition] = []
    /// What is run after commits.
    package var steps: [Step] = []

    package init() {}

    /// Reads what any version of the program has written: what it did not know is as at the start.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys, _ other: Value) throws -> Value {
            try values.decodeIfPresent(Value.self, forKey: key) ?? other
        }
        records = try value(.records, 0)
        rate = try value(.rate, 0)
        dead = try value(.dead, 0)
        uncommitted = try value(.uncommitted, 0)
        bytes = try value(.bytes, 0)
        epochs = try value(.epochs, 0)
        rows = try value(.rows, 0)
        lag = try value(.lag, nil)
        commitMilliseconds = try value(.commitMilliseconds, nil)
        memory = try value(.memory, 0)
        budget = try value(.budget, 0)
        load = try value(.load, nil)
        troubles = try value(.troubles, [])
        sources = try value(.sources, [])
        nodes = try value(.nodes, [])
        partitions = try value(.partitions, [])
        steps = try value(.steps, [])
    }

    /// The same with texts that the database can hold.
    var storable: RunSnapshot {
        var storable = self
        storable.troubles = troubles.map(Catalog.storable)
        storable.sources = sources.map { source in
            Source(
                name: source.name, lag: source.lag, trouble: source.trouble.map(Catalog.storable),
                idleGroup: source.idleGroup.map(Catalog.storable))
        }
        return storable
    }

    package struct Source: Sendable, Codable, Equatable {
        package var name: String
        package var lag: Int64?
        package var trouble: String?
        /// The consumer group that has no partition left for this process; nil when it has some, or they are still shared
        /// out.
        package var idleGroup: String?

        package init(name: String, lag: Int64?, trouble: String?, idleGroup: String? = nil) {
            self.idleGroup = idleGroup
            self.name = name
            self.lag = lag
            self.trouble = trouble
        }
    }

    package struct Node: Sendable, Codable, Equatable {
        package var name: String
        /// Records in and out, and groups written, since the start.
        package var entered: Int64
        package var left: Int64
        package var groups: Int64
        /// Bytes of memory held.
        package var memory: Int
        /// Seconds of work of all workers since the start, without nodes behind it; nil from a program that did not
        /// measure it.
        package var busySeconds: Double?
        /// Batches that wait in front of it; nil for a node that runs fused with the one before.
        package var waiting: Int?
        /// The permits that it shares with other processes; nil when it shares none.
        package var permits: Permits?

        package init(
            name: String, entered: Int64, left: Int64, groups: Int64, memory: Int, busySeconds: Double? = nil,
            waiting: Int? = nil, permits: Permits? = nil
        ) {
            self.permits = permits
            self.name = name
            self.entered = entered
            self.left = left
            self.groups = groups
            self.memory = memory
            self.busySeconds = busySeconds
            self.waiting = waiting
        }
    }

    package struct Permits: Sendable, Codable, Equatable {
        package struct Holder: Sendable, Codable, Equatable {
            package var instance: String
            package var held: Int
            /// Whether its session is gone.
            package var isGone: Bool

            package init(instance: String, held: Int, isGone: Bool) {
                (self.instance, self.held, self.isGone) = (instance, held, isGone)
            }
        }

        /// Permits in all processes together: as they agree, and as this one was told.
        package var limit: Int
        package var told: Int
        /// Those that this process has, those of them in use, and how many it could use.
        package var held: Int
        package var used: Int
        package var wish: Int
        /// Others that have some.
        package var others: [Holder]
        /// How long it has had work and no permit; nil when it has one, or no work.
        package var secondsWaited: Double?

        package init(
            limit: Int, told: Int, held: Int, used: Int, wish: Int, others: [Holder] = [], secondsWaited: Double? = nil
        ) {
            (self.limit, self.told, self.held, self.used, self.wish) = (limit, told, held, used, wish)
            (self.others, self.secondsWaited) = (others, secondsWaited)
        }
    }

    package struct Step: Sendable, Codable, Equatable {
        package var node: String
        package var table: String
        /// Runs that did what they were to do, and runs that failed, since the start.
        package var runs: Int64
        package var failures: Int64
        /// Commits after which it is still to be done.
        package var waiting: Int64

        package init(node: String, table: String, runs: Int64, failures: Int64, waiting: Int64) {
            self.node = node
            self.table = table
            self.runs = runs
            self.failures = failures
            self.waiting = waiting
        }
    }

    package struct Partition: Sendable, Codable, Equatable {
        package var topic: String
        package var partition: Int32
        package var source: String
        package var isOurs: Bool
        /// Where reading goes on, and up to where records are in the tables.
        package var next: Int64?
        package var committed: Int64?

        package init(
            topic: String, partition: Int32, source: String, isOurs: Bool, next: Int64?, committed: Int64?
        ) {
            self.topic = topic
            self.partition = partition
            self.source = source
            self.isOurs = isOurs
            self.next = next
            self.committed = committed
        }
    }
}
