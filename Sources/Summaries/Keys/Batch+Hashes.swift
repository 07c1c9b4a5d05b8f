package import Dataflow
import Sketches

extension Batch {
    /// Computes the MurmurHash3 of every row of a column: text by its bytes, everything else as a 64-bit integer.
    package func fillHashes(ofColumn index: Int) {
        unsafe fillHashes(ofColumn: index) { column, hashes in
            switch column.type {
            case .text:
                // Whoever fills a column leaves the slices of absent values and of dead letters as they were: anywhere.
                for row in 0..<rowCount {
                    if unsafe column.valid[row] == 0 { unsafe column.slices[row] = TextSlice(offset: 0, length: 0) }
                }
                unsafe MurmurHash3.hashText(
                    base: column.base, slices: UnsafeRawPointer(column.slices), count: rowCount, into: hashes)
            case .boolean:
                for row in 0..<rowCount { unsafe hashes[row] = MurmurHash3.hash(Int64(column.booleans[row])) }
            case .double:
                // Equal doubles must hash alike: -0 is 0.
                for row in 0..<rowCount {
                    let value = unsafe column.doubles[row]
                    unsafe hashes[row] = MurmurHash3.hash(Int64(bitPattern: (value == 0 ? 0 : value).bitPattern))
                }
            case .integer, .decimal, .timestamp:
                unsafe MurmurHash3.hashIntegers(column.integers, count: rowCount, into: hashes)
            }
        }
    }
}
