#if canImport(Glibc)
    import CMalloc
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory of tables that grow: small blocks from the heap, large ones straight from the operating system.
///
/// A large block grows by moving page tables, so that a table never exists twice, and goes back to the system at once when
/// it is released. In the heap, the tables of an epoch leave holes that those of the next one do not fit into: 2 million
/// keys in 256 MiB took 16 to 27 MiB more at their peak. (That glibc does the same for all large blocks is no way out:
/// librdkafka's fetches come and go hundreds of times a second, and fresh pages for each take a fifth of T1's time.)
package enum TableMemory {
    /// Bytes from which on a block is large.
    package static let largeBytes = 256 << 10

    /// A block whose contents are arbitrary.
    package static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if byteCount < largeBytes {
            guard let block = unsafe malloc(byteCount) else { refused(byteCount) }
            return unsafe block
        }
        let block = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let block = unsafe block, unsafe block != MAP_FAILED else { refused(byteCount) }
        return unsafe block
    }

    /// The block with another size, at another place; its contents are kept as far as they fit.
    package static func resize(
        _ block: UnsafeMutableRawPointer, from old: Int, to new: Int
    ) -> UnsafeMutableRawPointer {
        if old < largeBytes, new < largeBytes {
            guard let moved = unsafe realloc(block, new) else { refused(new) }
            return unsafe moved
        }
        #if canImport(Glibc)
            if old >= largeBytes, new >= largeBytes {
                let moved = unsafe millrace_resize_mapping(block, old, new)
                guard let moved = unsafe moved, unsafe moved != MAP_FAILED else { refused(new) }
                return unsafe moved
            }
        #endif
        let moved = unsafe allocate(new)
        unsafe moved.copyMemory(from: block, byteCount: min(old, new))
        unsafe deallocate(block, old)
        return unsafe moved
    }

    /// Releases a block of `byteCount` bytes.
    package static func deallocate(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
        if byteCount < largeBytes { return unsafe free(block) }
        let result = unsafe munmap(block, byteCount)
        precondition(result == 0, "a table was released twice")
    }

    /// A block of `count` values, not initialised.
    package static func allocate<Value: BitwiseCopyable>(_: Value.Type, _ count: Int) -> UnsafeMutablePointer<Value> {
        unsafe allocate(count * MemoryLayout<Value>.stride).bindMemory(to: Value.self, capacity: count)
    }

    /// Releases a block of `count` values.
    package static func deallocate<Value: BitwiseCopyable>(_ block: UnsafeMutablePointer<Value>, count: Int) {
        unsafe deallocate(block, count * MemoryLayout<Value>.stride)
    }

    private static func refused(_ byteCount: Int) -> Never {
        fatalError("out of memory: \(byteCount) bytes were refused")
    }
}
