import Testing

@testable import Nodes

@Suite struct InputRegistryTests {
    private func register(
        _ registry: InputRegistry, inode: UInt64, isStream: Bool = false, label: String = "/a", by source: FileSource,
        node: String, topology: String = "t"
    ) throws {
        var number = try #require(FileNumber(path: "/"))
        number.inode = inode
        try registry.register(
            number, isStream: isStream, label: label, by: source, node: node, topology: topology)
    }

    @Test func aFileHasOneReaderInATopologyUnderAnyName() throws {
        let stand = try FileStand()
        let registry = InputRegistry()
        let (one, two) = (stand.source("one", registry), stand.source("two", registry))
        try register(registry, inode: 1, by: one, node: "one")
        try register(registry, inode: 2, by: two, node: "two")
        let error = #expect(throws: SourceError.self) {
            try register(registry, inode: 1, label: "/b", by: two, node: "two")
        }
        #expect(error?.description.contains("node one and node two read it both (there it is called /a)") == true)
        #expect(throws: Never.self) { try register(registry, inode: 1, by: one, node: "one") }
    }

    @Test func anotherTopologyMayReadAFileButNoStream() throws {
        let stand = try FileStand()
        let registry = InputRegistry()
        let (one, two) = (stand.source("one", registry), stand.source("two", registry))
        try register(registry, inode: 1, by: one, node: "one", topology: "t")
        #expect(throws: Never.self) { try register(registry, inode: 1, by: two, node: "two", topology: "u") }
        try register(registry, inode: 3, isStream: true, by: one, node: "one", topology: "t")
        #expect(throws: SourceError.self) {
            try register(registry, inode: 3, isStream: true, by: two, node: "two", topology: "u")
        }
    }

    @Test func twoSourcesOfOneNameAreTwo() throws {
        let stand = try FileStand()
        let registry = InputRegistry()
        let (one, two) = (stand.source("same", registry), stand.source("same", registry))
        try register(registry, inode: 1, by: one, node: "same")
        #expect(throws: SourceError.self) { try register(registry, inode: 1, by: two, node: "same") }
    }

    @Test func whatASourceHasReadIsFreeWhenItHasEnded() throws {
        let stand = try FileStand()
        let registry = InputRegistry()
        let (one, two) = (stand.source("one", registry), stand.source("two", registry))
        try register(registry, inode: 1, by: one, node: "one")
        registry.release(two)
        #expect(throws: SourceError.self) { try register(registry, inode: 1, by: two, node: "two") }
        registry.release(one)
        #expect(throws: Never.self) { try register(registry, inode: 1, by: two, node: "two") }
    }

    @Test func standardInputThatTheTopologyCameFromIsTaken() throws {
        let stand = try FileStand()
        let registry = InputRegistry()
        let source = stand.source("events", registry)
        registry.takeStandardInput(for: "the topology file")
        let number = try #require(FileNumber(descriptor: 0))
        let error = #expect(throws: SourceError.self) {
            try registry.register(number, isStream: true, label: "-", by: source, node: "events", topology: "t")
        }
        #expect(error?.description.contains("the topology file was read from it, and node events reads it too") == true)
        registry.release(source)
        #expect(throws: SourceError.self) {
            try registry.register(number, isStream: true, label: "-", by: source, node: "events", topology: "t")
        }
    }
}
