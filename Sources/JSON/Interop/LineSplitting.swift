import CSimdJSON

/// What `splitLines` found.
public struct SplitLines: Sendable, Hashable {
    /// Lines written to the caller's ranges.
    public var count: Int
    /// Bytes done with. What follows is an unfinished line, or there was no room for it: pass it again.
    public var consumed: Int
}

/// Cuts newline-delimited JSON into documents: lines without their `\n` or `\r\n`, blank ones skipped.
///
/// - Parameters:
///   - bytes: The lines.
///   - isFinal: Whether a last line without a newline counts; otherwise it is left for the next call.
///   - lines: Room for the documents found; their offsets count from the first of `bytes`.
/// - Complexity: linear, some 64 bytes per step.
public func splitLines(
    _ bytes: UnsafeBufferPointer<UInt8>, isFinal: Bool, into lines: UnsafeMutableBufferPointer<DocumentRange>
) -> SplitLines {
    precondition(bytes.count <= JSONLimits.batchLengthMax, "a batch buffer is limited to 1 GiB")
    guard let base = bytes.baseAddress, let first = lines.baseAddress else {
        return SplitLines(count: 0, consumed: 0)
    }
    let found = unsafe sj_split_lines(
        base, bytes.count, isFinal, UnsafeMutableRawPointer(first).assumingMemoryBound(to: sj_slice.self), lines.count)
    return SplitLines(count: found.count, consumed: found.consumed)
}

/// The instruction sets in use, for logs and benchmarks: simdjson's kernel and the walker's.
public var parserTargets: (kernel: String, walker: String) {
    unsafe (String(cString: sj_kernel_name()), String(cString: sj_walker_name()))
}
