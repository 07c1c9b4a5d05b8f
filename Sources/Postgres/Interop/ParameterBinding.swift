import CLibPQ

/// The parallel C arrays that libpq takes for the parameters of one statement.
///
/// Scalars are encoded into one small arena; arrays and byte strings are lent from where they are, without a copy.
@safe struct ParameterBinding {
    private(set) var types: [Oid] = []
    private(set) var values: [UnsafePointer<CChar>?] = unsafe []
    private(set) var lengths: [CInt] = []
    private(set) var formats: [CInt] = []

    /// Runs `body` with the arrays for `parameters`; the pointers in them are valid until it returns.
    /// - Throws: `usage` when there are too many parameters, or one is too large for PostgreSQL. A retry cannot help.
    static func withBinding<Value>(
        of parameters: [Parameter], _ body: (borrowing ParameterBinding) -> Value
    ) throws(PostgresError) -> Value {
        try check(parameters)
        // A NULL is a missing pointer, so even an empty value needs an address: the arena is never empty.
        var arena: [UInt8] = [0]
        var offsets: [Int] = []
        offsets.reserveCapacity(parameters.count)
        for parameter in parameters {
            offsets.append(arena.count)
            parameter.encodeScalar(into: &arena)
        }
        offsets.append(arena.count)
        return unsafe arena.withUnsafeBytes { arenaBytes in
            var binding = ParameterBinding()
            return unsafe bind(parameters, from: 0, arenaBytes, offsets, &binding, body)
        }
    }

    /// - Throws: `usage` when there are too many parameters, or one is too large for PostgreSQL. A retry cannot help.
    static func check(_ parameters: [Parameter]) throws(PostgresError) {
        guard parameters.count <= Limits.parametersMax else {
            throw PostgresError(
                .usage, "\(parameters.count) parameters in one statement, at most \(Limits.parametersMax) are possible")
        }
        for (index, parameter) in parameters.enumerated() where parameter.byteCount > Limits.parameterBytesMax {
            throw PostgresError(
                .usage,
                "parameter \(index + 1) has \(parameter.byteCount) bytes, at most \(Limits.parameterBytesMax) fit")
        }
    }

    /// Each lent buffer is pinned by a closure of its own; the innermost call holds all of them.
    private static func bind<Value>(
        _ parameters: [Parameter],
        from first: Int,
        _ arena: UnsafeRawBufferPointer,
        _ offsets: [Int],
        _ binding: inout ParameterBinding,
        _ body: (borrowing ParameterBinding) -> Value
    ) -> Value {
        var index = first
        while index < parameters.count {
            let parameter = parameters[index]
            if let lent = parameter.lentBytes {
                return unsafe lent.withUnsafeBytes { bytes in
                    let address = unsafe bytes.isEmpty ? arena.baseAddress : bytes.baseAddress
                    unsafe binding.add(parameter.oid, address, bytes.count)
                    return unsafe bind(parameters, from: index + 1, arena, offsets, &binding, body)
                }
            }
            let length = offsets[index + 1] - offsets[index]
            let address: UnsafeRawPointer?
            if case .null = parameter {
                unsafe address = nil
            } else {
                unsafe address = arena.baseAddress! + offsets[index]
            }
            unsafe binding.add(parameter.oid, address, length)
            index += 1
        }
        return body(binding)
    }

    private mutating func add(_ oid: UInt32, _ address: UnsafeRawPointer?, _ length: Int) {
        types.append(oid)
        unsafe values.append(address?.assumingMemoryBound(to: CChar.self))
        lengths.append(CInt(length))
        formats.append(1)
    }
}

extension Parameter {
    /// `pg_type.oid`; 0 lets the server infer it.
    var oid: UInt32 {
        switch self {
        case .null: 0
        case .bool: TypeOID.bool
        case .int32: TypeOID.int4
        case .int64: TypeOID.int8
        case .double: TypeOID.float8
        case .text: TypeOID.text
        case .bytes: TypeOID.bytea
        case .timestamp: TypeOID.timestamptz
        case .numeric: TypeOID.numeric
        case .array(let builder): builder.element.arrayOID
        }
    }

    /// The buffer of a value that is sent from where it is.
    fileprivate var lentBytes: [UInt8]? {
        switch self {
        case .bytes(let bytes): bytes
        case .array(let builder): builder.bytes
        default: nil
        }
    }

    fileprivate var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .array(let builder): builder.byteCount
        case .text(let text): text.utf8.count
        default: 0
        }
    }

    fileprivate func encodeScalar(into arena: inout [UInt8]) {
        switch self {
        case .null, .bytes, .array: break
        case .bool(let value): arena.append(value ? 1 : 0)
        case .int32(let value): Self.append(UInt32(bitPattern: value), to: &arena)
        case .int64(let value): Self.append(UInt64(bitPattern: value), to: &arena)
        case .double(let value): Self.append(value.bitPattern, to: &arena)
        case .text(let value): arena.append(contentsOf: value.utf8)
        case .timestamp(let value): Self.append(UInt64(bitPattern: TimestampWire.encode(value)), to: &arena)
        case .numeric(let value): NumericWire.append(value, to: &arena)
        }
    }

    private static func append<Integer: FixedWidthInteger>(_ value: Integer, to arena: inout [UInt8]) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe arena.append(contentsOf: $0) }
    }
}
