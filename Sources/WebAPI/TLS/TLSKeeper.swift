import Synchronization

/// Keeps the certificate of a listener: looks whether its files hold another one, and when it ends.
///
/// Whoever renews a certificate writes two files, one after the other. A pair that cannot be used is therefore looked at a
/// second time before anybody hears of it, and the one from before stays in use as long as there is none better.
package final class TLSKeeper: Sendable {
    /// Takes the news, on the listener's thread: it must not block.
    package typealias Reporter = @Sendable (TLSNews) -> Void

    private struct State {
        var context: TLSContext
        /// How the files were when they were read last.
        var stamps: [PEMFile.Stamp?]
        /// Looks in a row at which they could not be used.
        var failures = 0
        var nextLook: ContinuousClock.Instant
        var nextWarning: ContinuousClock.Instant
        var failed = 0
        var nextComplaint: ContinuousClock.Instant
    }

    package let files: TLSFiles
    private let report: Reporter
    private let state: Mutex<State>

    /// Reads both files.
    /// - Parameter now: the time by which the certificate is valid, in seconds since 1970.
    /// - Throws: `TLSFailure`, which names the file, what is wrong and the way out.
    package convenience init(_ files: TLSFiles, report: @escaping Reporter) throws(TLSFailure) {
        try self.init(files, now: TLSMoment.now, at: .now, report: report)
    }

    init(
        _ files: TLSFiles, now: Int64, at moment: ContinuousClock.Instant, report: @escaping Reporter
    ) throws(TLSFailure) {
        let stamps = Self.stamps(files)
        let context = try Self.load(files, now: now)
        self.files = files
        self.report = report
        state = Mutex(
            State(
                context: context, stamps: stamps, nextLook: moment, nextWarning: moment, nextComplaint: moment))
    }

    /// When the certificate in use ends, in seconds since 1970.
    package var certificateEnd: Int64 { state.withLock(\.context.end) }

    /// Whether everybody on the machine may read the key.
    package var isKeyOpenToAll: Bool { (try? PEMFile(files.key))?.isOpenToAll == true }

    /// What new sessions are made of.
    var context: TLSContext { state.withLock(\.context) }

    /// Looks at the files, when it is time to.
    /// - Parameters:
    ///   - moment: by which it is time.
    ///   - now: by which certificates are valid, in seconds since 1970.
    func look(at moment: ContinuousClock.Instant = .now, now: Int64 = TLSMoment.now) {
        let news = state.withLock { state -> [TLSNews] in
            guard moment >= state.nextLook else { return [] }
            state.nextLook = moment + WebLimits.certificateLook
            return [reread(&state, now), warn(&state, moment, now)].compactMap(\.self)
        }
        news.forEach(report)
    }

    private func reread(_ state: inout State, _ now: Int64) -> TLSNews? {
        let stamps = Self.stamps(files)
        // What could not be used may be of use by now: a certificate has begun.
        guard stamps != state.stamps || state.failures > 0 else { return nil }
        if stamps != state.stamps { state.failures = 0 }
        state.stamps = stamps
        do throws(TLSFailure) {
            let fresh = try Self.load(files, now: now)
            state.failures = 0
            let isAnother = fresh.fingerprint != state.context.fingerprint
            // Its key or its chain may be another all the same.
            state.context = fresh
            return isAnother ? .renewed(end: fresh.end) : nil
        } catch {
            state.failures += 1
            return state.failures == 2 ? .refused(error.description) : nil
        }
    }

    private func warn(_ state: inout State, _ moment: ContinuousClock.Instant, _ now: Int64) -> TLSNews? {
        let left = state.context.end - now
        guard left < WebLimits.certificateWarning.components.seconds, moment >= state.nextWarning else { return nil }
        state.nextWarning = moment + .seconds(86_400)
        return .ending(end: state.context.end, secondsLeft: left)
    }

    /// A handshake has failed.
    func complain(_ reason: String, at moment: ContinuousClock.Instant = .now) {
        let news = state.withLock { state -> TLSNews? in
            state.failed += 1
            guard moment >= state.nextComplaint else { return nil }
            defer { (state.failed, state.nextComplaint) = (0, moment + WebLimits.complaints) }
            return .handshakesFailed(count: state.failed, reason: reason)
        }
        if let news { report(news) }
    }

    private static func stamps(_ files: TLSFiles) -> [PEMFile.Stamp?] {
        [PEMFile.Stamp(files.certificate), PEMFile.Stamp(files.key)]
    }

    private static func load(_ files: TLSFiles, now: Int64) throws(TLSFailure) -> TLSContext {
        try TLSContext(certificate: PEMFile(files.certificate), key: PEMFile(files.key), now: now)
    }
}
