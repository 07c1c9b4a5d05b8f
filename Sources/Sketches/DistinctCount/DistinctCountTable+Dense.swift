/// Registers as 4-bit offsets from a base, and as FULL bodies.
///
/// ```
/// nibble body   registers at base : UInt32 | exceptions : UInt32 | nibbles, register 2i in the low half of byte i |
///               exceptions, three bytes each, little-endian: index << width | value
/// FULL body     as stored: registers of `width` bits, index order, most significant bit first
/// ```
/// A nibble below 15 is value - base; 15 says that the register stands among the exceptions. The base rises when no
/// register is left at it, so that nearly all values stay within 14 of it. The scheme is that of DataSketches' HLL_4
/// (Lang 2017) without its hash map: when the exceptions overflow, the body becomes FULL and stays so.
extension DistinctCountTable {
    private static let nibbleOnes: UInt64 = 0x1111_1111_1111_1111

    /// Gives a group a dense body with the words of `word`, which is empty or sparse; frees the old body.
    @inline(never)
    mutating func makeDense(_ slot: UnsafeMutablePointer<UInt64>, from word: UInt64) {
        let sizeClass = geometry.usesNibbles ? arena.classes.nibbles : arena.classes.full
        let handle = arena.allocate(sizeClass)
        let body = unsafe arena.address(handle)
        unsafe body.initializeMemory(as: UInt8.self, repeating: 0, count: Int(arena.classes[sizeClass].byteCount))
        if geometry.usesNibbles {
            unsafe body.storeBytes(of: UInt32(geometry.registerCount), as: UInt32.self)
        }
        unsafe slot.pointee = GroupWord.body(
            geometry.usesNibbles ? GroupWord.nibbles : GroupWord.full, count: 0, sizeClass: sizeClass, handle: handle)
        guard GroupWord.kind(word) == GroupWord.sparse else { return }
        let size = arena.classes[GroupWord.sizeClass(word)]
        let old = unsafe self.body(word)
        let isList = size.byteCount <= SketchBodyClasses.listBytesMax
        for place in 0..<(isList ? GroupWord.count(word) : Int(size.slots)) {
            let entry = unsafe PackedWords.load(old, place, bits: geometry.wordBits, mask: geometry.wordMask)
            if entry != 0 { unsafe raise(entry, at: slot) }
        }
        arena.free(GroupWord.handle(word))
    }

    /// Raises a register of a nibble body; `value` is above the base.
    mutating func raiseNibble(_ index: UInt64, to value: UInt64, at slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        let body = unsafe body(word)
        let offset = value &- GroupWord.base(word)
        let cell = unsafe body + SketchGeometry.nibbleHeader + Int(truncatingIfNeeded: index &>> 1)
        let shift = UInt8(truncatingIfNeeded: (index & 1) &<< 2)
        let pair = unsafe cell.load(as: UInt8.self)
        let held = UInt64((pair &>> shift) & 15)
        if held < 15, held >= offset { return }
        if held == 15 {
            unsafe raiseException(index, to: value, in: body)
            return
        }
        if offset >= 15, unsafe !addException(index, value: value, to: body) {
            unsafe makeFull(slot)
            unsafe raiseFull(index, to: value, in: self.body(slot.pointee))
            return
        }
        let nibble = UInt8(truncatingIfNeeded: min(offset, 15))
        unsafe cell.storeBytes(of: pair & ~(15 &<< shift) | nibble &<< shift, as: UInt8.self)
        guard held == 0 else { return }
        let atBase = unsafe body.load(as: UInt32.self) &- 1
        unsafe body.storeBytes(of: atBase, as: UInt32.self)
        if atBase == 0 { unsafe raiseBase(slot) }
    }

    /// Raises a register of a FULL body.
    @inline(__always)
    func raiseFull(_ index: UInt64, to value: UInt64, in body: UnsafeMutableRawPointer) {
        let bit = Int(truncatingIfNeeded: index &* geometry.width)
        let shift = UInt16(truncatingIfNeeded: 16 &- Int(truncatingIfNeeded: geometry.width) &- bit & 7)
        let mask = UInt16(truncatingIfNeeded: geometry.valueMask)
        let raw = unsafe UInt16(bigEndian: body.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt16.self))
        guard (raw &>> shift) & mask < UInt16(truncatingIfNeeded: value) else { return }
        let raised = raw & ~(mask &<< shift) | UInt16(truncatingIfNeeded: value) &<< shift
        unsafe body.storeBytes(of: raised.bigEndian, toByteOffset: bit &>> 3, as: UInt16.self)
    }

    /// Calls `visit` with every exception of a nibble body.
    @inline(__always)
    func forEachException(_ body: UnsafeMutableRawPointer, _ visit: (_ index: UInt64, _ value: UInt64) -> Void) {
        let exceptions = unsafe exceptionCount(body)
        for item in 0..<exceptions {
            let held = unsafe exception(item, of: body)
            visit(UInt64(held) &>> geometry.width, UInt64(held) & geometry.valueMask)
        }
    }

    @inline(__always)
    func exceptionCount(_ body: UnsafeMutableRawPointer) -> Int {
        unsafe Int(body.load(fromByteOffset: 4, as: UInt32.self))
    }

    @inline(__always)
    func exception(_ item: Int, of body: UnsafeMutableRawPointer) -> UInt32 {
        let place = unsafe body + geometry.exceptionsOffset + item &* SketchGeometry.exceptionBytes
        return unsafe UInt32(littleEndian: place.loadUnaligned(as: UInt32.self)) & 0xff_ffff
    }

    private func setException(_ item: Int, of body: UnsafeMutableRawPointer, to word: UInt32) {
        let place = unsafe body + geometry.exceptionsOffset + item &* SketchGeometry.exceptionBytes
        unsafe place.storeBytes(of: UInt16(truncatingIfNeeded: word).littleEndian, as: UInt16.self)
        unsafe place.storeBytes(of: UInt8(truncatingIfNeeded: word &>> 16), toByteOffset: 2, as: UInt8.self)
    }

    private func setExceptionCount(_ count: Int, of body: UnsafeMutableRawPointer) {
        unsafe body.storeBytes(of: UInt32(truncatingIfNeeded: count), toByteOffset: 4, as: UInt32.self)
    }

    private func raiseException(_ index: UInt64, to value: UInt64, in body: UnsafeMutableRawPointer) {
        let word = UInt32(truncatingIfNeeded: index &<< geometry.width | value)
        var item = 0
        while unsafe UInt64(exception(item, of: body)) &>> geometry.width != index { item &+= 1 }
        if unsafe exception(item, of: body) < word { unsafe setException(item, of: body, to: word) }
    }

    /// False when there is no room.
    private func addException(_ index: UInt64, value: UInt64, to body: UnsafeMutableRawPointer) -> Bool {
        let count = unsafe exceptionCount(body)
        guard count < geometry.exceptionsMax else { return false }
        unsafe setException(count, of: body, to: UInt32(truncatingIfNeeded: index &<< geometry.width | value))
        unsafe setExceptionCount(count + 1, of: body)
        return true
    }

    /// Raises the base until some register is at it, sixteen nibbles at a time.
    @inline(never)
    private func raiseBase(_ slot: UnsafeMutablePointer<UInt64>) {
        let body = unsafe body(slot.pointee)
        let nibbles = unsafe body + SketchGeometry.nibbleHeader
        var atBase: UInt32 = 0
        while atBase == 0 {
            unsafe slot.pointee &+= GroupWord.oneMore
            var offset = 0
            while offset < geometry.registerCount &>> 1 {
                let sixteen = unsafe nibbles.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                let halves = sixteen & (sixteen &>> 1)
                let exceptions = halves & (halves &>> 2) & Self.nibbleOnes
                let lowered = sixteen &- (Self.nibbleOnes & ~exceptions)
                unsafe nibbles.storeBytes(of: lowered, toByteOffset: offset, as: UInt64.self)
                let filled = lowered | lowered &>> 1
                let zeros = ~(filled | filled &>> 2) & Self.nibbleOnes
                atBase &+= UInt32(truncatingIfNeeded: zeros.nonzeroBitCount)
                offset &+= 8
            }
            unsafe absorbExceptions(body, base: GroupWord.base(slot.pointee))
        }
        unsafe body.storeBytes(of: atBase, as: UInt32.self)
    }

    /// Takes exceptions back into nibbles that fit again after the base rose by one; their offset is 14 then.
    private func absorbExceptions(_ body: UnsafeMutableRawPointer, base: UInt64) {
        var count = unsafe exceptionCount(body)
        var item = 0
        while item < count {
            let held = unsafe UInt64(exception(item, of: body))
            guard held & geometry.valueMask &- base < 15 else {
                item += 1
                continue
            }
            let index = held &>> geometry.width
            let cell = unsafe body + SketchGeometry.nibbleHeader + Int(truncatingIfNeeded: index &>> 1)
            let shift = UInt8(truncatingIfNeeded: (index & 1) &<< 2)
            let pair = unsafe cell.load(as: UInt8.self)
            unsafe cell.storeBytes(of: pair & ~(15 &<< shift) | 14 &<< shift, as: UInt8.self)
            count -= 1
            unsafe setException(item, of: body, to: exception(count, of: body))
        }
        unsafe setExceptionCount(count, of: body)
    }

    /// Turns a nibble body into a FULL body.
    @inline(never)
    private mutating func makeFull(_ slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        let old = unsafe body(word)
        let base = GroupWord.base(word)
        let handle = arena.allocate(arena.classes.full)
        let body = unsafe arena.address(handle)
        unsafe body.initializeMemory(
            as: UInt8.self, repeating: 0, count: Int(arena.classes[arena.classes.full].byteCount))
        for index in 0..<UInt64(geometry.registerCount) {
            let pair = unsafe old.load(
                fromByteOffset: SketchGeometry.nibbleHeader + Int(index &>> 1), as: UInt8.self)
            let nibble = UInt64((pair &>> UInt8(truncatingIfNeeded: (index & 1) &<< 2)) & 15)
            // An exception's nibble stands for less than its value, which follows.
            if base &+ nibble != 0 { unsafe raiseFull(index, to: base &+ nibble, in: body) }
        }
        unsafe forEachException(old) { index, value in unsafe raiseFull(index, to: value, in: body) }
        unsafe slot.pointee = GroupWord.body(
            GroupWord.full, count: 0, sizeClass: arena.classes.full, handle: handle)
        arena.free(GroupWord.handle(word))
    }
}
