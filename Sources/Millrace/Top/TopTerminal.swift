import Foundation

/// A terminal whose whole screen is ours, until it is given back.
///
/// The alternate screen is used, so that what stood there before is there again afterwards.
final class TopTerminal {
    /// A command that needs a terminal was started without one.
    struct NoTerminal: Error {}

    private let before: termios

    /// - Throws: `NoTerminal` when keys or screen are none.
    init() throws(NoTerminal) {
        var settings = termios()
        guard isatty(STDOUT_FILENO) == 1, unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { throw NoTerminal() }
        before = settings
        // Keys come one by one and are not shown; a key that sends a signal is a key like others.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Gives the screen back.
    func close() {
        write("\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Columns and rows.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Shows lines from the upper left on, over what is there: nothing flickers.
    func show(_ lines: [String]) {
        write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// The keys pressed within some time.
    func keys(within milliseconds: Int32) -> [TopScreen.Key] {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&descriptor, 1, milliseconds) > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
        // A terminal that is gone is a person who has left.
        guard count > 0 else { return [.quit] }
        return Self.keys(in: bytes.prefix(count))
    }

    /// The keys behind some bytes; others mean nothing.
    static func keys(in bytes: some Collection<UInt8>) -> [TopScreen.Key] {
        var rest = Array(bytes)[...]
        var keys: [TopScreen.Key] = []
        while let first = rest.popFirst() {
            if first == 0x1B, let second = rest.first, second == 0x5B || second == 0x4F {
                // A sequence: parameters, then the byte that ends it.
                rest = rest.dropFirst().drop { $0 < 0x40 }
                switch rest.popFirst() {
                case UInt8(ascii: "A"): keys.append(.up)
                case UInt8(ascii: "B"): keys.append(.down)
                case UInt8(ascii: "C"): keys.append(.enter)
                case UInt8(ascii: "D"): keys.append(.back)
                default: break
                }
                continue
            }
            switch first {
            case UInt8(ascii: "q"), 3, 4: keys.append(.quit)
            case UInt8(ascii: "k"): keys.append(.up)
            case UInt8(ascii: "j"): keys.append(.down)
            case 10, 13, UInt8(ascii: "l"): keys.append(.enter)
            case 0x1B, 8, 0x7F, UInt8(ascii: "h"): keys.append(.back)
            default: break
            }
        }
        return keys
    }

    private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
