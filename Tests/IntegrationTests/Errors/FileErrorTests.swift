import Testing

/// What is wrong with a topology file is said by `check` and `run` alike, with its place, before anything is connected.
@Suite struct FileErrorTests {
    private static let secrets = ["DATABASE_URL": "postgresql://u:\(Complaint.canary)@127.0.0.1:1/d"]

    /// Checks a file, and sees that `run` refuses it with the same words.
    private static func check(_ text: String) throws -> Complaint {
        let folder = try TopologyFolder()
        let path = try folder.file(text)
        let checked = try Complaint.of(["check", path], environment: secrets)
        let ran = try Complaint.of(["run", path], environment: secrets)
        #expect(ran.exit == .code(1))
        #expect(ran.errors.contains(checked.output.split(separator: "\n").first ?? "?"), "\(ran.errors)")
        ran.expectDecency()
        return checked
    }

    @Test func badYAMLIsNamedWithItsPlace() async throws {
        try await onOwnThread {
            let complaint = try Self.check(
                "topology: t\nnodes:\n  events:\n    kafka: { brokers: [a:1, topics: [t] }\n")
            complaint.expect(.code(1), ".yaml:4:41: error[yaml-syntax]", "expected ',' or ']'", "brackets")
        }
    }

    @Test func anUnknownFieldComesWithASuggestion() async throws {
        try await onOwnThread {
            let text = TopologyFolder.topology().replacing("brokers:", with: "brokrs:")
            let complaint = try Self.check(text)
            complaint.expect(.code(1), ".yaml:4:14: error[unknown-field]", "'brokrs'", "did you mean 'brokers'?")
        }
    }

    @Test func anUnknownNodeTypeComesWithASuggestion() async throws {
        try await onOwnThread {
            let text = TopologyFolder.topology().replacing("summarize:", with: "summarise:")
            let complaint = try Self.check(text)
            complaint.expect(.code(1), ".yaml:10:5: error[unknown-node-type]", "did you mean 'summarize'?")
        }
    }

    @Test func anExpressionIsWrongAtAColumn() async throws {
        try await onOwnThread {
            let text = TopologyFolder.topology().replacing(
                "  kpi:\n    from: records\n",
                with: "  some:\n    from: records\n    filter: \"usr == 'a' && ts > 5\"\n  kpi:\n    from: some\n")
            let complaint = try Self.check(text)
            complaint.expect(.code(1), ".yaml:10:14: error[unknown-field]", "'usr'", "did you mean 'user'?")
            complaint.expect(.code(1), ".yaml:10:", "error[wrong-type]", "timestamp")
        }
    }

    @Test func aNodeBehindABadFilterIsCheckedToo() async throws {
        try await onOwnThread {
            let text = TopologyFolder.topology().replacing(
                "  kpi:\n    from: records\n",
                with: "  some:\n    from: records\n    filter: \"usr == 'a'\"\n  kpi:\n    from: some\n"
            ).replacing("count()", with: "cuont()")
            let complaint = try Self.check(text)
            complaint.expect(.code(1), "'usr'")
            complaint.expect(.code(1), ".yaml:13:", "error[unknown-metric]", "cuont", "did you mean 'count'?")
        }
    }

    @Test func settingsThatLoadCodeAreRefusedAndMisspeltOnesAreSuggested() async throws {
        try await onOwnThread {
            let text = TopologyFolder.topology(settings: "{ sesion.timeout.ms: 6000 }")
            try Self.check(text).expect(
                .code(1), ".yaml:4:68: error[kafka-settings]", "'sesion.timeout.ms'",
                "did you mean 'session.timeout.ms'?")
            let plugin = TopologyFolder.topology(settings: "{ plugin.library.paths: \(Complaint.canary) }")
            try Self.check(plugin).expect(.code(1), ".yaml:4:68:", "'plugin.library.paths' is refused", "loads code")
        }
    }

    @Test func aVariableThatIsNotSetIsNamed() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let path = try folder.file(
                TopologyFolder.topology().replacing("DATABASE_URL", with: "NO_SUCH_VARIABLE_HERE"))
            try Complaint.of(["check", path]).expect(.code(1), ".yaml:13:23", "NO_SUCH_VARIABLE_HERE")
        }
    }

    @Test func severalFilesAreCheckedInOneGo() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let right = try folder.file(named: "right.yaml", TopologyFolder.topology())
            let warned = try folder.file(
                named: "warned.yaml",
                TopologyFolder.topology() + "\n  idle:\n    from: records\n    filter: \"user == 'a'\"\n")
            let wrong = try folder.file(named: "wrong.yaml", "topology: [")
            let missing = right.replacing("right", with: "missing")
            let fine = try Complaint.of(["check", right, warned], environment: Self.secrets)
            fine.expect(.code(0), "right.yaml: topology t is valid")
            fine.expect(.code(0), "warned.yaml:14:3: warning[unused-node]", "'idle'")
            fine.expect(.code(0), "warned.yaml: topology t is valid")
            let complaint = try Complaint.of(["check", right, wrong, missing], environment: Self.secrets)
            complaint.expect(.code(1), "right.yaml: topology t is valid")
            complaint.expect(.code(1), "wrong.yaml:", "error[yaml-syntax]")
            complaint.expect(.code(1), "missing.yaml:1:1: error[file]", "there is no such file")
        }
    }

    @Test func twoFilesMayNotDeclareTheSameTopology() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let files = try ["a.yaml", "b.yaml"].map { try folder.file(named: $0, TopologyFolder.topology("kpis")) }
            let complaint = try Complaint.of(["run"] + files, environment: Self.secrets)
            complaint.expect(.code(1), "two files declare topology kpis")
        }
    }

    @Test func aBudgetThatDoesNotHoldTheQueuesIsRefusedWithWhatItTakes() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let path = try folder.file(TopologyFolder.topology())
            let complaint = try Complaint.of(["run", path, "--memory", "24MiB"], environment: Self.secrets)
            complaint.expect(.code(1), "millrace: memory: 24 MiB is too little", "for groups; raise memory")
        }
    }

    @Test(arguments: [
        ["run"], ["run", "--no-such-option", "x.yaml"], ["no-such-command"], ["run", "x", "--workers", "0"],
    ])
    func wrongUseExitsWithTheUsageCode(arguments: [String]) async throws {
        try await onOwnThread {
            let complaint = try Complaint.of(arguments)
            complaint.expect(.code(64), "Usage: millrace")
        }
    }
}
