@testable import Sketches

extension BucketList {
    /// The keys alone.
    var keys: [Int32] { (0..<count).map { self[$0].key } }
    /// The numbers of values alone.
    var counts: [UInt64] { (0..<count).map { self[$0].count } }
}
