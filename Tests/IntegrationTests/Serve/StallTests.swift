import Foundation
import Kafka
import LocalServices
import Postgres
import Testing

/// What stands in the way of a topology is what everything names that tells how it is, and nothing that does not commit is
/// called well. When the cause is gone, it is well again by itself, and the tables are right.
@Suite struct StallTests {
    @Test func aLockOnTheTable() async throws {
        try await onOwnThread {
            let sight = try StallSight("lock")
            // Somebody who reads with a lock that lets nobody write.
            var reader = try Connection.connect(
                ConnectionSettings(url: sight.tables.url), deadline: .now + .seconds(20))
            try reader.execute("BEGIN; LOCK TABLE kinds IN SHARE MODE")
            let process = try reader.query("SELECT pg_backend_pid()").int32(0, 0) ?? 0
            try sight.produce(100)
            try sight.expect("a lock on table", "held by process \(process)")
            // The transaction is run again after ten seconds of it, and then it is named as well.
            let timeouts = try sight.tables.serverSays("lock timeout")
            try eventually("a statement was given up for the lock") {
                try sight.tables.serverSays("lock timeout") > timeouts
            }
            try sight.expectNothingWell(looks: 3, saying: "held by process \(process)")
            #expect(try sight.tables.messagesRead() == 100)
            try reader.execute("ROLLBACK")
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    @Test func noBroker() async throws {
        try await onOwnThread {
            let sight = try StallSight("broker")
            try sight.broker.apply(.down(broker: 1))
            try sight.expect(sight.kafka.bootstrapServers.split(separator: ":").last.map(String.init) ?? "")
            try sight.broker.apply(.up(broker: 1))
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    @Test func aPartitionWithoutALeader() async throws {
        try await onOwnThread {
            let sight = try StallSight("leader")
            try sight.broker.apply(.leader(TopicPartition(sight.topic, 0), broker: -1))
            try sight.expect("\(TopicPartition(sight.topic, 0))", "leader")
            try sight.broker.apply(.leader(TopicPartition(sight.topic, 0), broker: 1))
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    @Test func aDatabaseThatStandsStill() async throws {
        try await onOwnThread {
            let server = try PrivatePostgres.start()
            defer { server.stop() }
            let tables = try TestDatabase("stall_frozen_tables", on: server)
            let sight = try StallSight("frozen", tables: tables)
            let postmaster = try #require(server.processID)
            let backends = try tables.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
            var stopped = [postmaster]
            for row in 0..<backends.rowCount { stopped.append(try #require(try backends.int32(row, 0))) }
            for process in stopped { kill(process, SIGSTOP) }
            defer { for process in stopped { kill(process, SIGCONT) } }
            try sight.produce(100)
            try sight.expect("the database has not answered for")
            // Where the catalogue itself stands still, a command that looks says so, and does not wait for it.
            let blind = try sight.stand.run("why", StallSight.topology, "--database", tables.url)
            #expect(blind.exit == .code(1))
            #expect(blind.errors.contains("no answer in time"), "\(blind.errors)")
            for process in stopped { kill(process, SIGCONT) }
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    /// A COMMIT that waits for a standby which is not there.
    @Test func aSlowCommit() async throws {
        try await onOwnThread {
            let server = try PrivatePostgres.start()
            defer { server.stop() }
            let tables = try TestDatabase("stall_commit_tables", on: server)
            let sight = try StallSight("commit", tables: tables)
            func setStandby(_ name: String) throws {
                _ = try tables.query("ALTER SYSTEM SET synchronous_standby_names = '\(name)'")
                _ = try tables.query("SELECT pg_reload_conf()")
            }
            try setStandby("nobody")
            try sight.produce(100)
            try sight.expect("the database has not answered for", "SyncRep")
            try setStandby("")
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    @Test func aFullDisk() async throws {
        try await onOwnThread {
            let server = try PrivatePostgres.start()
            defer { server.stop() }
            let disk = try SmallDisk(mebibytes: 24, in: server.directory)
            guard let disk else { return skipped("a small disk cannot be mounted here; that takes root") }
            defer { disk.unmount() }
            var tables = try TestDatabase("postgres_unused", on: server)
            _ = try tables.query("CREATE TABLESPACE small LOCATION '\(disk.path)'")
            tables = try TestDatabase("stall_disk_tables", on: server)
            _ = try tables.query("ALTER DATABASE stall_disk_tables SET default_tablespace = small")
            let sight = try StallSight("disk", tables: tables)
            try disk.fill()
            try sight.produce(20_000, kinds: "b", areDistinct: true)
            try sight.expect("No space left on device")
            #expect(try sight.tables.messagesRead() == 100)
            try disk.makeRoom()
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    @Test func aPasswordThatWasChanged() async throws {
        try await onOwnThread {
            var options = PrivatePostgres.Options()
            options.authentication = .password("of the superuser")
            let server = try PrivatePostgres.start(options)
            defer { server.stop() }
            let tables = try TestDatabase("stall_password_tables", on: server)
            _ = try tables.query("CREATE ROLE kpi LOGIN PASSWORD 'the-first-secret'")
            _ = try tables.query("ALTER DATABASE stall_password_tables OWNER TO kpi")
            _ = try tables.query("GRANT ALL ON SCHEMA public TO kpi")
            let sight = try StallSight(
                "password", tables: tables,
                sink: server.url(database: tables.name, user: "kpi", password: "the-first-secret"))
            _ = try tables.query("ALTER ROLE kpi PASSWORD 'the-second-secret'")
            // A session that stands does not mind.
            try sight.produce(100)
            try sight.waitUntilRead()
            _ = try tables.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'kpi'")
            try sight.produce(100)
            try sight.expect("password authentication failed for user")
            _ = try tables.query("ALTER ROLE kpi PASSWORD 'the-first-secret'")
            try sight.expectRecovery()
            try sight.stop()
            #expect(!sight.daemon.errors.contains("-secret"))
        }
    }

    /// The group has given the only partition to somebody else; with a process of the topology that has it, another one that
    /// has none is well.
    @Test func noPartitions() async throws {
        try await onOwnThread {
            let sight = try StallSight("partitions", nodes: StallSight.nodes(source: ", group: shared"))
            let (second, port) = try StallSight.serve(sight.stand, "second")
            var last: [WebClient.Answer] = []
            try eventually("both are ready, and one of them is idle: \(last); \(second.lastWords)") {
                last = [try sight.readiness(), try sight.readiness(of: port)]
                return last.allSatisfy { $0.status == 200 }
                    && last.contains { $0.body.contains("the consumer group shared has no partition left for this") }
            }
            let said = "The group has no partitions left for this instance"
            #expect(second.errors.contains(said) || sight.daemon.errors.contains(said))
            try sight.expectWell()
            second.terminate()
            #expect(try second.wait() == .code(0))
            try sight.produce(100)
            try sight.waitUntilRead()

            // Other programs join while ours is paused. Whom the group gives the partition is chance: one of them, at last.
            let other = try TestDatabase("stall_partitions_other")
            var thieves: [MillraceProcess] = []
            let before = sight.daemon.errors.count(said)
            while sight.daemon.errors.count(said) == before {
                try #require(thieves.count < 8, "\(sight.daemon.lastWords)")
                let departures = sight.departures
                try sight.stand.succeed("pause", StallSight.topology)
                // It stays in its group for a while, in case that it goes on.
                try eventually("ours has left its group; \(sight.daemon.lastWords)") {
                    sight.departures > departures
                }
                let thief = try MillraceProcess(
                    topology: StallSight.nodes(source: ", group: shared").replacing(
                        "topology: stalled", with: "topology: thief"),
                    environment: [
                        "BROKERS": sight.kafka.bootstrapServers, "TOPIC": sight.topic, "SINK_URL": other.url,
                    ])
                thieves.append(thief)
                try eventually(within: .seconds(240), "the other one is in the group; \(thief.lastWords)") {
                    // One that came before may have it.
                    thief.errors.contains("Partitions assigned") || thief.errors.contains(said)
                }
                let assigned = sight.daemon.errors.count("Partitions assigned")
                try sight.stand.succeed("resume", StallSight.topology)
                try eventually(within: .seconds(240), "ours is in the group") {
                    sight.daemon.errors.count("Partitions assigned") > assigned
                        || sight.daemon.errors.count(said) > before
                }
                sight.daemon.live(for: .seconds(1))
            }
            let read = try sight.tables.messagesRead()
            try sight.produce(100)
            try sight.expect(
                "no process of this topology has a partition; the consumer group shared",
                log: [said, "group=shared"])
            #expect(try sight.tables.messagesRead() == read)
            for thief in thieves { thief.terminate() }
            for thief in thieves { _ = try thief.wait() }
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    /// Commits wait for a lock, and groups fill the memory.
    @Test func memoryIsUsedUp() async throws {
        try await onOwnThread {
            let sight = try StallSight("memory", nodes: StallSight.nodes(settings: "memory: 64MiB\n"))
            var reader = try Connection.connect(
                ConnectionSettings(url: sight.tables.url), deadline: .now + .seconds(20))
            try reader.execute("BEGIN; LOCK TABLE kinds IN SHARE MODE")
            // Reading may stop for what is on its way alone, and go on when that has become groups, which are smaller. So more
            // is written until some of it is not read; not before, since the broker keeps 5 MiB.
            var wave = 0
            try sight.expect(
                "memory is used up", "of 64 MiB",
                log: ["Reading stopped until an epoch is written", "held by process"],
                whileDoing: {
                    guard try sight.isTaken() else { return }
                    wave += 1
                    try sight.produce(10_000, kinds: "\(wave)-" + String(repeating: "k", count: 200), areDistinct: true)
                })
            #expect(try sight.tables.messagesRead() == 100)
            try reader.execute("ROLLBACK")
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    @Test func fencedByAnotherInstance() async throws {
        try await onOwnThread {
            let sight = try StallSight("fenced")
            _ = try sight.tables.query(
                "UPDATE millrace.partitions SET owner_epoch = owner_epoch + 1, owner = 'thief/1'")
            try sight.produce(100)
            try sight.expect("\(sight.topic)", "was taken over by thief/1", log: ["thief/1"])
            #expect(try sight.tables.messagesRead() == 100)
            // Nobody reads it: it is claimed back.
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    /// Records that nothing can be made of are put aside, and said; the others go on.
    @Test func poisonRecords() async throws {
        try await onOwnThread {
            let sight = try StallSight("poison")
            _ = try sight.tables.query(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN IF NEW.kind = 'poison' THEN RAISE 'not this one'; END IF; RETURN NEW; END $$
                """)
            _ = try sight.tables.query(
                "CREATE TRIGGER refuse BEFORE INSERT ON kinds FOR EACH ROW EXECUTE FUNCTION refuse()")
            try sight.produce(["{\"kind\":", "{\"kind\":\"poison\"}", "{\"kind\":7}"])
            try sight.expectRecovery(dead: 3)
            try eventually("why says how many there are") {
                try sight.stand.run("why", StallSight.topology).output.contains(
                    "3 records could not be used since its start; millrace dead-letters list stalled says why")
            }
            for cause in ["cause=truncated", "cause=wrong_type", "cause=refused_row"] {
                #expect(sight.daemon.errors.contains(cause), "\(cause): \(sight.daemon.lastWords)")
            }
            try sight.stop()
        }
    }

    @Test func aProgramThatDies() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let good = "import json, sys\nfor line in sys.stdin: print(json.dumps({\"twice\": 2}), flush=True)\n"
            let program = try folder.file(named: "twice.py", good)
            let between = """
                  answered: { from: records, exec: { command: [python3, "\(program)"], send: [n], add: { twice: integer } } }

                """
            let sight = try StallSight("program", nodes: StallSight.nodes(between: between, last: "answered"))
            try Data("import sys\nsys.exit(3)\n".utf8).write(to: URL(fileURLWithPath: program))
            for process in ExecPrograms.running(program) { kill(process, SIGKILL) }
            try sight.produce(100)
            try sight.expect("answered", "python3", "ended with exit code 3")
            // It stops, so that nothing becomes a dead letter; between two tries it is not called well either.
            try sight.expect("failed: node answered", "records one after the other had no answer", log: ["exit code 3"])
            try sight.expectNothingWell(looks: 20, saying: "failed: node answered")
            // Between two tries nothing is in its hands.
            let failures = sight.daemon.errors.count("A topology failed again")
            try eventually("it fails again; \(sight.daemon.lastWords)") {
                sight.daemon.errors.count("A topology failed again") > failures
            }
            #expect(try sight.tables.messagesRead() == 100)
            try Data(good.utf8).write(to: URL(fileURLWithPath: program))
            try sight.expectRecovery()
            try sight.stop()
        }
    }

    /// One that neither dies nor answers.
    @Test func aProgramThatHangs() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let good = "import json, sys\nfor line in sys.stdin: print(json.dumps({\"twice\": 2}), flush=True)\n"
            let program = try folder.file(named: "twice.py", good)
            let between = """
                  answered: { from: records, exec: { command: [python3, "\(program)"], send: [n], add: { twice: integer } } }

                """
            let sight = try StallSight("hangs", nodes: StallSight.nodes(between: between, last: "answered"))
            let processes = ExecPrograms.running(program)
            for process in processes { kill(process, SIGSTOP) }
            try sight.produce(100)
            try sight.expect("nothing has been committed for", "node answered is still at work on a batch")
            for process in processes { kill(process, SIGCONT) }
            try sight.expectRecovery()
            try sight.stop()
        }
    }
}

/// A disk of a few MiB that Postgres may write to.
private final class SmallDisk {
    let path: String
    private var ballast: String { path + "/ballast" }

    /// - Returns: nil when this account may not mount one.
    init?(mebibytes: Int, in folder: String) throws {
        path = folder + "/small-disk"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let options = "size=\(mebibytes)m,mode=0777"
        guard unsafe mount("tmpfs", path, "tmpfs", 0, options) == 0 else { return nil }
        // Postgres takes a folder of its own account only.
        var owner: [FileAttributeKey: Any] = [:]
        for key in [FileAttributeKey.ownerAccountID, .groupOwnerAccountID] {
            owner[key] = try FileManager.default.attributesOfItem(atPath: folder + "/data")[key]
        }
        try FileManager.default.setAttributes(owner, ofItemAtPath: path)
    }

    /// Leaves nothing of it.
    func fill() throws {
        try Data().write(to: URL(fileURLWithPath: ballast))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: ballast))
        // Ever smaller pieces, until not even one more page fits.
        for size in [1 << 20, 1 << 16, 1 << 12] {
            while (try? file.write(contentsOf: Data(count: size))) != nil {}
        }
        try file.close()
    }

    func makeRoom() throws { try FileManager.default.removeItem(atPath: ballast) }

    func unmount() { unsafe umount2(path, 2) }
}
