import Dataflow
import Foundation
import Kafka
import LocalServices
import PlatformTesting
import Testing

@testable import DataflowTesting
@testable import Nodes

/// Pipelines that follow one another in a process, beside another member of the group, which sees whether anybody left it.
@Suite(.serialized) struct KeptMembershipsTests {
    /// A topic of two partitions, of which the witness reads one.
    private struct Group {
        let stand: SourceStand
        let topic: String
        let database = ModelDatabase()
        let witness: KafkaRun
        var filled: Int64 = 0

        init() throws {
            stand = try SourceStand(brokers: 1)
            topic = try stand.topic(partitions: 2)
            witness = try KafkaRun(stand, topics: [topic], database: database)
        }

        func member(_ memberships: KeptMemberships, sessionTimeout: String = "4500") throws -> KafkaRun {
            try KafkaRun(
                stand, topics: [topic], database: database, sessionTimeout: sessionTimeout, memberships: memberships)
        }

        /// How often the witness was told what is its own.
        var assignments: Int { witness.lines.text.components(separatedBy: "Partitions assigned").count - 1 }

        mutating func fill() throws {
            for partition in Int32(0)..<2 { try stand.fill(topic, partition, with: filled..<filled + 50) }
            filled += 50
        }

        /// Waits until all that was written is read, of each partition by whoever has it.
        func waitUntilRead() async throws {
            try await witness.waitFor("all is read") {
                (Int32(0)..<2).allSatisfy { witness.position(topic, $0) == filled }
            }
        }

        func waitUntilShared(with member: KafkaRun) async throws {
            try await witness.waitFor("each has a partition") {
                [witness, member].allSatisfy { run in
                    run.pipeline.progress().partitions.filter(\.isOurs).count == 1
                }
            }
        }

        func end() async throws {
            try await witness.stop()
            #expect(database.table == SourceStand.table(Array(0..<filled) + Array(0..<filled)))
        }
    }

    @Test(arguments: [true, false])
    func whoIsFollowedDoesNotLeaveTheGroup(isExpected: Bool) async throws {
        var group = try Group()
        let memberships = KeptMemberships()
        var member = try group.member(memberships)
        try await group.waitUntilShared(with: member)
        try group.fill()
        try await group.waitUntilRead()
        let before = group.assignments
        memberships.expectSuccessor(isExpected)
        try await member.stop()
        #expect(memberships.count == (isExpected ? 1 : 0))
        try group.fill()
        member = try group.member(memberships)
        if !isExpected { try await group.waitUntilShared(with: member) }
        try await group.waitUntilRead()
        #expect(memberships.count == 0)
        // Who leaves and joins again makes the others give up what they have, and be told anew.
        #expect((group.assignments > before) == !isExpected)
        memberships.expectSuccessor(false)
        try await member.stop()
        try await group.end()
    }

    /// A membership that is kept, and the group of which it is one.
    private static func kept() async throws -> (group: Group, memberships: KeptMemberships) {
        let (group, memberships) = (try Group(), KeptMemberships())
        let member = try group.member(memberships)
        try await group.waitUntilShared(with: member)
        memberships.expectSuccessor(true)
        try await member.stop()
        #expect(memberships.count == 1)
        return (group, memberships)
    }

    @Test(arguments: [true, false])
    func whatNobodyComesForIsGivenToOthers(processEnds: Bool) async throws {
        var (group, memberships) = try await Self.kept()
        memberships.expire()
        #expect(memberships.count == 1)
        if processEnds { memberships.end() } else { memberships.expire(at: .now + SourceLimits.standBy) }
        #expect(memberships.count == 0)
        try group.fill()
        try await group.waitUntilRead()
        try await group.end()
    }

    /// Beside one that nobody polls, the new one would get half of what is ours.
    @Test func oneOfOtherSettingsTakesThePlace() async throws {
        let (group, memberships) = try await Self.kept()
        try await goOn(group, memberships, sessionTimeout: "4600")
    }

    /// The group forgets a member meanwhile: another one joins in its place.
    @Test func aMembershipThatWasLostIsNotUsed() async throws {
        let (group, memberships) = try await Self.kept()
        // 12 is Heartbeat, 25 UNKNOWN_MEMBER_ID; one of them for each of the two.
        try group.stand.development!.apply(.error(api: 12, code: 25, count: 2))
        try await Eventually.wait(for: "both have asked") {
            group.witness.lines.text.contains("Partitions lost")
        }
        try await goOn(group, memberships)
    }

    /// Another pipeline begins, and gets its share.
    private func goOn(
        _ group: Group, _ memberships: KeptMemberships, sessionTimeout: String = "4500"
    ) async throws {
        var group = group
        let member = try group.member(memberships, sessionTimeout: sessionTimeout)
        try await group.waitUntilShared(with: member)
        #expect(memberships.count == 0)
        try group.fill()
        try await group.waitUntilRead()
        memberships.expectSuccessor(false)
        try await member.stop()
        try await group.end()
    }
}
