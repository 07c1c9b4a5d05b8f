import CLibPQ

/// Holds the rows that libpq handed over last, one of which is the current one.
@safe struct RowBuffer: ~Copyable {
    private var result: OpaquePointer?
    private var row: CInt = 0
    /// Rows held.
    private(set) var count = 0

    deinit {
        if let result = unsafe result { unsafe PQclear(result) }
    }

    /// Takes ownership of a result and frees the one before.
    mutating func adopt(_ result: OpaquePointer) {
        if let last = unsafe self.result { unsafe PQclear(last) }
        unsafe self.result = unsafe result
        count = Int(unsafe PQntuples(result))
    }

    /// Makes a row the current one.
    mutating func move(to row: Int) { self.row = CInt(row) }

    /// Names and types of the columns.
    func columns() -> RowColumns { unsafe RowColumns(of: result) }

    /// Whether a value of the current row is NULL.
    @inline(__always)
    func isNull(_ column: Int) -> Bool { unsafe PQgetisnull(result, row, CInt(column)) == 1 }

    /// The bytes of a value of the current row; empty for NULL. Valid until the next result.
    @inline(__always)
    func bytes(_ column: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            start: PQgetvalue(result, row, CInt(column)), count: Int(PQgetlength(result, row, CInt(column))))
    }
}

extension ResultHandle {
    /// Names and types of the columns.
    var columns: RowColumns {
        let indices = 0..<columnCount
        return RowColumns(
            names: indices.map(columnName), types: indices.map(columnType), areBinary: indices.allSatisfy(isBinary))
    }
}

extension RowColumns {
    /// The columns of a result.
    init(of result: OpaquePointer?) {
        let indices = 0..<Int(unsafe PQnfields(result))
        self.init(
            names: indices.map { unsafe String(cString: PQfname(result, CInt($0))) },
            types: indices.map { unsafe PQftype(result, CInt($0)) },
            areBinary: indices.allSatisfy { unsafe PQfformat(result, CInt($0)) == 1 })
    }
}
