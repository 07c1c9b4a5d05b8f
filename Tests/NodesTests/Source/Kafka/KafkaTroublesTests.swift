import Dataflow
import Kafka
import Logging
import PlatformTesting
import Testing

@testable import Nodes

/// What is logged, and what ends a source; when it is said again is `TroubleBook`'s.
@Suite struct KafkaTroublesTests {
    private let lines = LogLines(from: .info)
    private let refusal = KafkaError(code: .authentication, message: "kafka: wrong password")

    private func troubles() -> KafkaTroubles {
        let lines = lines
        return KafkaTroubles(Logger(label: "test") { _ in lines })
    }

    @Test func aTroubleIsSaidWhenItBeginsAndWhenItIsOver() {
        let troubles = troubles()
        #expect(troubles.isEmpty)
        troubles.met(.topic("a"), "no rights")
        #expect(troubles.summary == "no rights")
        troubles.over(.topic("a"))
        #expect(troubles.isEmpty)
        #expect(lines.text == "warning Waiting for Kafka reason=no rights\nnotice Topic a is read again")
    }

    @Test(arguments: [
        (TroubleBook.Subject.group, "Waiting for partitions", "Partitions are assigned"),
        (.partitions, "Waiting for some partitions; the others are read", "All partitions are read again"),
        (.database, "Waiting for the database", "The database is back"),
        (.connection, "Waiting for Kafka", "Kafka answers again"),
    ]) func eachHasItsSentences(subject: TroubleBook.Subject, begins: String, ends: String) {
        let troubles = troubles()
        troubles.met(subject, "why")
        troubles.over(subject)
        #expect(lines.text == "warning \(begins) reason=why\nnotice \(ends)")
    }

    /// Partitions that were lost are not read again, whatever becomes of what was said of them.
    @Test func whatIsForgottenIsNoGoodNews() {
        let troubles = troubles()
        troubles.met(.partitions, "why")
        troubles.forget(.partitions)
        #expect(troubles.summary == nil)
        #expect(lines.text == "warning Waiting for some partitions; the others are read reason=why")
    }

    @Test func haltedPartitionsHaveLinesOfTheirOwn() {
        let troubles = troubles()
        troubles.met(.halted, "halted: a/0")
        #expect(lines.text.isEmpty)
        #expect(troubles.summary == "halted: a/0")
        #expect(!troubles.explainsSilence)
    }

    @Test func anAnswerOfTheClusterEndsWhatIsAboutTheCluster() {
        let troubles = troubles()
        troubles.met(.connection, "away")
        troubles.met(.topic("a"), "no rights")
        #expect(troubles.explainsSilence)
        troubles.answered()
        #expect(!troubles.explainsSilence)
        #expect(troubles.summary == "no rights")
    }

    @Test func whatIsRefusedIsWaitedForAtFirst() throws {
        let troubles = troubles()
        try troubles.refused(refusal)
        try troubles.checkRefusal()
        #expect(troubles.summary?.contains("wrong password") == true)
    }

    /// Passwords rotate.
    @Test func whoWasLetInOnceGoesOnWaiting() throws {
        let troubles = troubles()
        try troubles.refused(refusal)
        troubles.answered()
        try troubles.refused(refusal)
        try troubles.checkRefusal()
        #expect(troubles.explainsSilence)
    }
}
