import Foundation

/// What this process has used.
enum Usage {
    /// CPU time in seconds.
    static var cpu: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The most memory at once, in MiB.
    static var peak: Double { Double(status("VmHWM:")) / 1024 }

    /// Anonymous memory now, in MiB.
    static var anonymous: Double { Double(status("RssAnon:")) / 1024 }

    private static func status(_ name: String) -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }
}

func show(_ name: String, _ value: Double, _ unit: String, digits: Int = 1) {
    print("\(name): \(String(format: "%.\(digits)f", value)) \(unit)")
}
