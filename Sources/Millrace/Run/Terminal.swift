import Foundation

/// What a terminal is like.
enum Terminal {
    /// The columns of a terminal that does not tell.
    static let columnsDefault = 80

    /// Columns that can be written to without a wrap; the last one is left free, since some terminals wrap after it.
    static func columns(of descriptor: Int32) -> Int {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return columnsDefault - 1 }
        return Int(size.ws_col) - 1
    }
}
