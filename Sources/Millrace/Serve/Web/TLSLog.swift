import Logging
import WebAPI

/// What the log says of certificates and handshakes.
enum TLSLog {
    static func write(_ news: TLSNews, _ files: TLSFiles, _ logger: Logger) {
        switch news {
        case .renewed(let end):
            logger.notice(
                "The certificate was renewed; new connections get it",
                metadata: ["certificate": "\(files.certificate)", "certificate_ends": "\(TLSMoment.text(end))"])
        case .refused(let reason):
            logger.error(
                "The renewed certificate cannot be used; the one from before stays in use",
                metadata: ["reason": "\(reason)"])
        case .ending(let end, let secondsLeft) where secondsLeft > 0:
            logger.warning(
                "The certificate ends soon; renew it, no restart is needed",
                metadata: [
                    "certificate": "\(files.certificate)", "certificate_ends": "\(TLSMoment.text(end))",
                    "days_left": "\(secondsLeft / 86_400)",
                ])
        case .ending(let end, _):
            logger.error(
                "The certificate has ended, and clients refuse it; renew it, no restart is needed",
                metadata: ["certificate": "\(files.certificate)", "certificate_ends": "\(TLSMoment.text(end))"])
        case .handshakesFailed(let count, let reason):
            // Whoever scans the network makes them fail.
            logger.debug("Handshakes have failed", metadata: ["count": "\(count)", "reason": "\(reason)"])
        }
    }
}
