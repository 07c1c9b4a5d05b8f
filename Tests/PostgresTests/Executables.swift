import Glibc

/// Programs that some tests need.
enum Executables {
    static var hasOpenSSL: Bool {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin"
        let isFound = path.split(separator: ":").contains { unsafe access("\($0)/openssl", X_OK) == 0 }
        if !isFound { report("SKIPPED: the TLS tests, since openssl is not installed\n") }
        return isFound
    }

    static func report(_ line: String) {
        _ = unsafe Array(line.utf8).withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    }
}
