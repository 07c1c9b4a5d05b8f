package import Dataflow

/// One metric of all groups of a delta: updated a batch at a time, merged a table at a time.
package protocol MetricState: AnyObject {
    /// Makes room for `groups` groups; new ones are empty.
    func grow(to groups: Int)
    /// Takes in the selected rows; `groups` holds one group number per selected row.
    func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>)
    /// Merges another worker's state of the same metric; its group `g` is `map[g]` here.
    func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>)
    /// Bytes allocated.
    var memoryBytes: Int { get }
}
