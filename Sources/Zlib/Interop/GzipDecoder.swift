import CZlib

/// Gzip data, piece by piece: any number of members one after the other, as `gzip` takes them, and zeros behind the last as
/// tapes and block devices leave them. Anything else behind a member is an error, for it would be lost.
@safe package final class GzipDecoder {
    /// Why data is no good.
    package enum Problem: Error, Equatable, CustomStringConvertible {
        /// Neither a member nor zeros at this byte.
        case behind(Int64)
        /// Wrong at about this byte.
        case damaged(Int64, String)
        /// It ends within a member.
        case cutShort(Int64)
        /// zlib has no memory.
        case noMemory

        /// What is the matter, as the rest of a sentence that begins with the file.
        package var description: String {
            switch self {
            case .behind(let place):
                "the bytes behind its gzip data, from byte \(place) on, are neither gzip nor zeros; "
                    + "cut them off, or unpack the file and read that"
            case .damaged(let place, let reason): "its gzip data is damaged at about byte \(place) (\(reason))"
            case .cutShort(let end): "its gzip data is cut short: it ends at byte \(end), in the middle"
            case .noMemory: "zlib has no memory for it"
            }
        }
    }

    /// What a step came to.
    package enum Step: Equatable {
        /// So many bytes came out.
        case bytes(Int)
        /// More input is needed.
        case hungry
        /// All input is used up, and a member was the last thing in it.
        case ended
    }

    private enum Place { case member, between, padding }

    /// What gzip data begins with.
    package static let magic: [UInt8] = [0x1f, 0x8b]

    /// Bytes of input taken at once.
    package static let inputBytes = 64 * 1024

    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutablePointer<UInt8>
    private var place = Place.member
    private var members = 0
    /// Where the member at hand begins, and where the input ends that zlib was given.
    private var memberStart: Int64 = 0
    private var inputEnd: Int64 = 0

    /// - Throws: `Problem.noMemory`.
    package init() throws(Problem) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe input = .allocate(capacity: Self.inputBytes)
        // 15 bits of window, 16 for gzip's header and checksum.
        let code = unsafe inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw .noMemory }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe input.deallocate()
    }

    /// Whether there is input that has not been looked at.
    package var hasInput: Bool { unsafe stream.pointee.avail_in > 0 }

    /// Takes input; only when there is none left.
    package func feed(_ read: (UnsafeMutableRawBufferPointer) throws -> Int?) rethrows -> Int? {
        let count = try unsafe read(UnsafeMutableRawBufferPointer(start: input, count: Self.inputBytes))
        guard let count else { return nil }
        unsafe stream.pointee.next_in = input
        unsafe stream.pointee.avail_in = UInt32(count)
        inputEnd += Int64(count)
        return count
    }

    private var position: Int64 { unsafe inputEnd - Int64(stream.pointee.avail_in) }

    /// Decodes into `buffer`. With `isLast` there is no input behind what was fed.
    package func step(into buffer: UnsafeMutableRawBufferPointer, isLast: Bool) throws(Problem) -> Step {
        while true {
            if place != .member {
                guard hasInput else { return isLast ? .ended : .hungry }
                try lookBehind()
                continue
            }
            unsafe stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let room = UInt32(clamping: buffer.count)
            unsafe stream.pointee.avail_out = room
            let code = unsafe inflate(stream, Z_NO_FLUSH)
            let count = unsafe Int(room - stream.pointee.avail_out)
            switch code {
            case Z_OK, Z_BUF_ERROR:
                if count > 0 { return .bytes(count) }
                if hasInput { continue }
                guard isLast else { return .hungry }
                throw .cutShort(inputEnd)
            case Z_STREAM_END:
                members += 1
                place = .between
                if count > 0 { return .bytes(count) }
            case Z_MEM_ERROR: throw .noMemory
            default:
                if members > 0, unsafe stream.pointee.total_out == 0 { throw .behind(memberStart) }
                let reason = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "unknown"
                throw .damaged(position, reason)
            }
        }
    }

    /// Decides what follows a member.
    private func lookBehind() throws(Problem) {
        let bytes = unsafe UnsafeBufferPointer(start: stream.pointee.next_in, count: Int(stream.pointee.avail_in))
        guard let first = unsafe bytes.first else { return }
        if place == .between, first == 0x1f {
            memberStart = position
            place = .member
            guard unsafe inflateReset(stream) == Z_OK else { throw .noMemory }
            return
        }
        place = .padding
        if let other = unsafe bytes.firstIndex(where: { $0 != 0 }) { throw .behind(position + Int64(other)) }
        unsafe stream.pointee.avail_in = 0
    }
}
