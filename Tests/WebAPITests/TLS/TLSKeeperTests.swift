import Foundation
import PlatformTesting
import Synchronization
import Testing

@testable import WebAPI

/// Which certificates are taken, and what becomes of renewed ones.
@Suite(.enabled(if: CertificateFolder.canMake)) struct TLSKeeperTests {
    private static let day: Int64 = 86_400

    /// Takes the news, and shows them.
    private final class Newspaper: Sendable {
        private let all = Mutex<[TLSNews]>([])
        func add(_ news: TLSNews) { all.withLock { $0.append(news) } }
        /// What has come since this was asked last.
        func take() -> [TLSNews] {
            all.withLock { all in
                defer { all = [] }
                return all
            }
        }
    }

    /// Why files cannot be used; nil when they can.
    private static func complaint(_ certificate: String, _ key: String, daysLater: Int64 = 0) -> String? {
        do {
            let files = TLSFiles(certificate: certificate, key: key)
            _ = try TLSKeeper(files, now: TLSMoment.now + daysLater * day, at: .now) { _ in }
            return nil
        } catch {
            return error.description
        }
    }

    private static func expect(
        _ found: String?, _ path: String, _ words: String, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(found?.hasPrefix(path + ": ") == true, "\(found ?? "it is taken")", sourceLocation: location)
        #expect(found?.contains(words) == true, "\(found ?? "it is taken")", sourceLocation: location)
    }

    @Test func aPairIsTaken() async throws {
        try await onOwnThread {
            let folder = try CertificateFolder()
            for kind in [["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ["rsa:2048"], ["ed25519"]] {
                let files = try folder.make("one", kind: kind)
                #expect(Self.complaint(files.certificate, files.key) == nil)
                let keeper = try TLSKeeper(files) { _ in }
                let left = keeper.certificateEnd - TLSMoment.now
                #expect(abs(left - 30 * Self.day) < Self.day)
                #expect(!keeper.isKeyOpenToAll)
            }
            // Those that vouch for it stand behind it.
            try folder.make("two")
            let chain = try folder.write("chain.pem", try folder.text("one.pem") + folder.text("two.pem"))
            #expect(Self.complaint(chain, folder.path("one.key")) == nil)
            Self.expect(Self.complaint(chain, folder.path("two.key")), folder.path("two.key"), "is not the one of")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.path("one.key"))
            let files = TLSFiles(certificate: chain, key: folder.path("one.key"))
            #expect(try TLSKeeper(files) { _ in }.isKeyOpenToAll)
        }
    }

    /// What cannot be used is said with its place and the way out.
    @Test func whatIsWrongIsNamed() async throws {
        try await onOwnThread {
            let folder = try CertificateFolder()
            let files = try folder.make("one")
            try folder.make("two")
            let nowhere = folder.path("nowhere")
            Self.expect(Self.complaint(nowhere, files.key), nowhere, "No such file")
            Self.expect(Self.complaint(files.certificate, nowhere), nowhere, "No such file")
            let place = URL(fileURLWithPath: nowhere).deletingLastPathComponent().path
            Self.expect(Self.complaint(place, files.key), place, "no file")
            let long = try folder.write("long", String(repeating: "x", count: PEMFile.bytesMax + 1))
            Self.expect(Self.complaint(long, files.key), long, "at most 256 KiB")
            let empty = try folder.write("empty", "")
            Self.expect(Self.complaint(empty, files.key), empty, "found no certificate")
            Self.expect(Self.complaint(files.certificate, empty), empty, "found no key")
            Self.expect(Self.complaint(files.key, files.certificate), files.key, "are the two files exchanged?")
            Self.expect(
                Self.complaint(files.certificate, files.certificate), files.certificate, "are the two files exchanged?")
            let other = folder.path("two.key")
            Self.expect(Self.complaint(files.certificate, other), other, "is not the one of the first certificate in")
            let lines = try folder.text("two.pem").replacing("MII", with: "MIJ")
            let damaged = try folder.write("damaged", try folder.text("one.pem") + lines)
            Self.expect(Self.complaint(damaged, files.key), damaged, "certificate 2 of the file cannot be read")
            let broken = try folder.write("broken", try folder.text("one.key").replacing("MI", with: "M-"))
            Self.expect(Self.complaint(files.certificate, broken), broken, "the key cannot be read")
            let locked = folder.path("locked")
            try CertificateFolder.run(["pkey", "-in", files.key, "-aes128", "-passout", "pass:secret", "-out", locked])
            Self.expect(Self.complaint(files.certificate, locked), locked, "openssl pkey -in \(locked)")
            Self.expect(
                Self.complaint(files.certificate, files.key, daysLater: -2), files.certificate, "is still to come")
            Self.expect(
                Self.complaint(files.certificate, files.key, daysLater: 31), files.certificate, "has ended at 20")
            let weak = try folder.make("weak", kind: ["rsa:1024"])
            Self.expect(Self.complaint(weak.certificate, weak.key), weak.certificate, "does not take this certificate")
        }
    }

    @Test func aRenewedPairIsTakenUp() async throws {
        try await onOwnThread {
            let folder = try CertificateFolder()
            let files = try folder.make("site")
            try folder.make("new")
            let (paper, start) = (Newspaper(), ContinuousClock.now)
            let keeper = try TLSKeeper(files, now: TLSMoment.now, at: start, report: paper.add)
            let first = keeper.context
            keeper.look(at: start)
            #expect(keeper.context === first && paper.take().isEmpty)

            // Not before it is time, then at once.
            try folder.install("new", as: "site")
            keeper.look(at: start + .seconds(4))
            #expect(keeper.context === first)
            keeper.look(at: start + .seconds(5))
            #expect(keeper.context.fingerprint != first.fingerprint)
            #expect(paper.take() == [.renewed(end: keeper.certificateEnd)])
            // The same in another file is no news.
            try folder.install("new", as: "site")
            keeper.look(at: start + .seconds(10))
            #expect(paper.take().isEmpty)
        }
    }

    /// The one from before stays, and what is wrong is said once: not while somebody is still at it.
    @Test func aBrokenPairIsNotTakenUp() async throws {
        try await onOwnThread {
            let folder = try CertificateFolder()
            let files = try folder.make("site")
            try folder.make("new")
            let (paper, start) = (Newspaper(), ContinuousClock.now)
            let keeper = try TLSKeeper(files, now: TLSMoment.now, at: start, report: paper.add)
            let first = keeper.context
            var time = start
            func look() -> [TLSNews] {
                time += .seconds(5)
                keeper.look(at: time)
                return paper.take()
            }
            // First the certificate, then its key.
            try folder.write("site.pem", try folder.text("new.pem"))
            #expect(look().isEmpty && keeper.context === first)
            try folder.write("site.key", try folder.text("new.key"))
            #expect(look() == [.renewed(end: keeper.certificateEnd)])
            let second = keeper.context

            try FileManager.default.removeItem(atPath: files.key)
            #expect(look().isEmpty)
            #expect(look() == [.refused("\(files.key): No such file or directory")])
            #expect(look().isEmpty && look().isEmpty && keeper.context === second)
            // Broken in another way: that is news.
            try folder.write("site.key", "nonsense")
            #expect(look().isEmpty)
            guard case .refused(let reason)? = look().first else {
                Issue.record("it is not said")
                return
            }
            #expect(reason.contains("found no key"))
            #expect(look().isEmpty && keeper.context === second)
            try folder.write("site.key", try folder.text("new.key"))
            #expect(look().isEmpty)
            #expect(keeper.context !== second && keeper.context.fingerprint == second.fingerprint)
        }
    }

    /// The clock of whoever makes certificates may be ahead.
    @Test func aCertificateThatIsStillToBeginIsTakenUpThen() async throws {
        try await onOwnThread {
            let folder = try CertificateFolder()
            let files = try folder.make("site")
            let (paper, start) = (Newspaper(), ContinuousClock.now)
            let keeper = try TLSKeeper(files, now: TLSMoment.now, at: start, report: paper.add)
            let first = keeper.context
            try folder.make("new")
            try folder.install("new", as: "site")
            let begin = TLSMoment.now - 3_600
            for look in 1...3 {
                keeper.look(at: start + .seconds(5 * look), now: begin)
                #expect(keeper.context === first)
            }
            let said = paper.take()
            #expect(said.count == 1)
            guard case .refused(let reason)? = said.first else {
                Issue.record("found \(said)")
                return
            }
            #expect(reason.contains("is still to come"))
            keeper.look(at: start + .seconds(20))
            #expect(paper.take() == [.renewed(end: keeper.certificateEnd)])
            #expect(keeper.context !== first)
        }
    }

    @Test func anEndIsWarnedOfOnceADay() async throws {
        try await onOwnThread {
            let folder = try CertificateFolder()
            let (paper, start, now) = (Newspaper(), ContinuousClock.now, TLSMoment.now)
            let keeper = try TLSKeeper(try folder.make("site"), now: now, at: start, report: paper.add)
            let end = keeper.certificateEnd
            func look(days: Double) -> [TLSNews] {
                keeper.look(at: start + .seconds(days * 86_400), now: now + Int64(days * 86_400))
                return paper.take()
            }
            #expect(look(days: 0).isEmpty)
            #expect(look(days: 15).isEmpty)
            #expect(look(days: 17) == [.ending(end: end, secondsLeft: end - now - 17 * Self.day)])
            #expect(look(days: 17.9).isEmpty)
            #expect(look(days: 18) == [.ending(end: end, secondsLeft: end - now - 18 * Self.day)])
            #expect(look(days: 31) == [.ending(end: end, secondsLeft: end - now - 31 * Self.day)])
        }
    }

    /// Whoever scans the network does not fill the log.
    @Test func complaintsAreCounted() async throws {
        try await onOwnThread {
            let folder = try CertificateFolder()
            let (paper, start) = (Newspaper(), ContinuousClock.now)
            let keeper = try TLSKeeper(try folder.make("site"), now: TLSMoment.now, at: start, report: paper.add)
            keeper.complain("no shared cipher", at: start)
            #expect(paper.take() == [.handshakesFailed(count: 1, reason: "no shared cipher")])
            for second in 1...59 { keeper.complain("again", at: start + .seconds(second)) }
            #expect(paper.take().isEmpty)
            keeper.complain("the last", at: start + .seconds(60))
            #expect(paper.take() == [.handshakesFailed(count: 60, reason: "the last")])
        }
    }
}
