import Testing

@testable import Millrace

/// Memory that does not suffice is shown as a sum.
@Suite struct MemorySharesTests {
    @Test func theSumNamesEveryTopology() {
        let shares = MemoryShares(
            limit: 1_000 << 20, others: ["a": 256 << 20, "b": 512 << 20, "c": 256 << 20, "ended": 0])
        #expect(!shares.hasRoom(for: 1))
        #expect(
            shares.complaint(300 << 20)
                == "memory: it needs 300 MiB, and with what others have (b 512 MiB, a 256 MiB, c 256 MiB) that is 1324 MiB, "
                + "of the 1000 MiB that serve may take; lower its memory:, pause another one, or raise --memory")
    }

    @Test func aloneItNeedsTooMuch() {
        let alone = MemoryShares(limit: 64 << 20, others: ["ended": 0])
        #expect(alone.hasRoom(for: 64 << 20) && !alone.hasRoom(for: 64 << 20 + 1))
        for shares in [alone, MemoryShares(limit: 64 << 20, others: ["small": 1 << 20])] {
            #expect(
                shares.complaint(64 << 20 + 1)
                    == "memory: it needs 65 MiB, of the 64 MiB that serve may take; lower its memory:, or raise --memory"
            )
        }
    }
}
