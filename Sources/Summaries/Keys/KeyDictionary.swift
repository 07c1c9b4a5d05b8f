package import Dataflow
import Glibc
import Platform

/// The key values seen by one worker in one epoch, as dense ids; shared by all `summarize` nodes of the worker's stage,
/// so that a field is looked up once per event however many nodes group by it.
package final class KeyDictionary {
    private var columns: [KeyColumnID: KeyColumn] = [:]
    private var zones: [Int: ZoneNames] = [:]
    private var translations: [TranslationID: Translation] = [:]
    private let memory: MemoryAccountant
    private var part: MemoryAccountant.Part
    private var accountedBytes = 0

    /// - Parameter part: what the memory is drawn for.
    package init(memory: MemoryAccountant, part: MemoryAccountant.Part = .groups) {
        self.memory = memory
        self.part = part
    }

    deinit { memory.draw(-accountedBytes, for: part) }

    private struct TranslationID: Hashable {
        var other: ObjectIdentifier
        var column: KeyColumnID
    }

    /// The ids of one key column.
    func column(_ id: KeyColumnID) -> KeyColumn {
        if let found = columns[id] { return found }
        var zones: ZoneNames?
        if case .window(_, let cut) = id, let zone = cut.zoneColumn { zones = self.zones(zone) }
        let made = KeyColumn(id, zones: zones)
        columns[id] = made
        return made
    }

    /// The time zones that a text column names.
    func zones(_ column: Int) -> ZoneNames {
        if let found = zones[column] { return found }
        let made = ZoneNames(self.column(.text(column: column)))
        zones[column] = made
        return made
    }

    /// Tells the accountant how many bytes are allocated now.
    func account() {
        let bytes =
            columns.values.reduce(0) { $0 + $1.memoryBytes }
            + translations.values.reduce(0) { $0 + $1.ids.memoryBytes }
        memory.draw(bytes - accountedBytes, for: part)
        accountedBytes = bytes
    }

    /// Has the memory drawn for another part from now on.
    func move(to part: MemoryAccountant.Part) {
        memory.draw(-accountedBytes, for: self.part)
        memory.draw(accountedBytes, for: part)
        self.part = part
    }

    /// For each id of another worker's column, the id of the same value here; computed once per pair of dictionaries.
    func translation(of other: KeyDictionary, _ id: KeyColumnID) -> UnsafeMutablePointer<UInt32> {
        let key = TranslationID(other: ObjectIdentifier(other), column: id)
        // A dictionary that is gone may have left its address, and with it its identifier, to the next one.
        if let found = translations[key], found.other === other { return unsafe found.ids.values }
        translations = translations.filter { $0.value.other != nil }
        let made = Translation(of: other)
        column(id).intern(other.column(id), into: &made.ids)
        translations[key] = made
        return unsafe made.ids.values
    }

    private final class Translation {
        weak var other: KeyDictionary?
        var ids = StateColumn<UInt32>(initial: 0)

        init(of other: KeyDictionary) { self.other = other }
    }
}

/// What a key column is made of.
enum KeyColumnID: Hashable {
    /// The pane of a window function that the event time in `column` falls in, or a window made of panes.
    case window(column: Int, EventTimeCut)
    /// A text field.
    case text(column: Int)
    /// An integer, decimal or timestamp field.
    case integer(column: Int)
    /// A boolean field.
    case boolean(column: Int)
}

/// The ids of one key column, and the ids of the batch at hand.
final class KeyColumn {
    private let id: KeyColumnID
    private var texts = TextInterner()
    private var integers = IntegerInterner()
    private var ids = StateColumn<UInt32>(initial: 0)
    private var cached: (serial: UInt64, count: Int, isAll: Bool)?
    /// The rows of which the ids at hand are, unless they are all.
    private var chosen = StateColumn<UInt32>(initial: 0)
    /// The zones of the records, where panes depend on them, and the pane that each zone's last record was in.
    private let zones: ZoneNames?
    private var panes: [(pane: Pane, id: UInt32)] = []

    init(_ id: KeyColumnID, zones: ZoneNames? = nil) {
        self.id = id
        self.zones = zones
    }

    /// Bytes allocated.
    var memoryBytes: Int { texts.memoryBytes + integers.memoryBytes + ids.memoryBytes + chosen.memoryBytes }

    /// Whether the ids at hand are of these rows, by their numbers: another selection may lie where the last one lay.
    private func isCached(_ batch: Batch, _ rows: RowSelection) -> Bool {
        guard let cached, cached == (batch.serial, rows.count, unsafe rows.rows == nil) else { return false }
        guard let numbers = unsafe rows.rows else { return true }
        return unsafe memcmp(numbers, chosen.values, rows.count * MemoryLayout<UInt32>.size) == 0
    }

    /// The ids of the selected rows, one per selected row. Valid until the next call.
    func ids(of batch: Batch, _ rows: RowSelection) -> UnsafeMutablePointer<UInt32> {
        if isCached(batch, rows) { return unsafe ids.values }
        ids.resizeUninitialized(to: rows.count)
        switch id {
        case .window(let column, let cut):
            if let zones {
                unsafe fillPanes(batch.columns[column], cut.function, zones, zones.names.ids(of: batch, rows), rows)
            } else {
                fillPanes(batch.columns[column], cut.function, rows)
            }
        case .text(let column): unsafe texts.intern(batch.columns[column], rows, into: ids.values)
        case .integer(let column): fillIntegers(batch.columns[column], rows)
        case .boolean(let column): fillBooleans(batch.columns[column], rows)
        }
        cached = unsafe (batch.serial, rows.count, rows.rows == nil)
        if let numbers = unsafe rows.rows {
            chosen.resizeUninitialized(to: rows.count)
            unsafe chosen.values.update(from: numbers, count: rows.count)
        }
        return unsafe ids.values
    }

    private func fillPanes(_ column: Column, _ function: any WindowFunction, _ rows: RowSelection) {
        let ids = unsafe self.ids.values
        let times = unsafe column.integers
        var pane = Pane.none
        var paneID: UInt32 = 0
        for index in 0..<rows.count {
            let time = unsafe times[rows[index]]
            if !pane.contains(time) {
                pane = function.pane(of: time)
                paneID = integers.intern(pane.start)
            }
            unsafe ids[index] = paneID
        }
    }

    /// - Parameter zoneIDs: the zone of each selected row, by the id of its name. Where a name is none nobody counts the
    ///   record, so any pane will do.
    private func fillPanes(
        _ column: Column, _ function: any WindowFunction, _ zones: ZoneNames, _ zoneIDs: UnsafePointer<UInt32>,
        _ rows: RowSelection
    ) {
        let ids = unsafe self.ids.values
        let times = unsafe column.integers
        for index in 0..<rows.count {
            let time = unsafe times[rows[index]]
            let zone = unsafe Int(zoneIDs[index])
            if zone >= panes.count { panes += Array(repeating: (.none, 0), count: zone + 1 - panes.count) }
            if !panes[zone].pane.contains(time) {
                let pane = function.pane(of: time, in: zones.rules(of: UInt32(zone)) ?? .utc)
                panes[zone] = (pane, integers.intern(pane.start))
            }
            unsafe ids[index] = panes[zone].id
        }
    }

    private func fillIntegers(_ column: Column, _ rows: RowSelection) {
        let ids = unsafe self.ids.values
        let (values, valid) = unsafe (column.integers, column.valid)
        for index in 0..<rows.count {
            let row = rows[index]
            unsafe ids[index] = valid[row] == 0 ? 0 : integers.intern(values[row])
        }
    }

    private func fillBooleans(_ column: Column, _ rows: RowSelection) {
        let ids = unsafe self.ids.values
        let (values, valid) = unsafe (column.booleans, column.valid)
        for index in 0..<rows.count {
            let row = rows[index]
            unsafe ids[index] = valid[row] == 0 ? 0 : integers.intern(Int64(values[row]))
        }
    }

    /// Takes in all values of another worker's column; `ids` gets, for each id there, the id here.
    func intern(_ other: KeyColumn, into ids: inout StateColumn<UInt32>) {
        if case .text = id {
            texts.intern(other.texts, into: &ids)
        } else {
            ids.append(0)
            for theirs in 1..<UInt32(other.integers.idCount) {
                ids.append(integers.intern(other.integers.value(theirs)))
            }
        }
    }

    /// Bytes of the longest text seen; 0 for columns of other types.
    var longestText: Int { texts.longest }

    /// The id of a value of a column that is not text.
    func id(of value: Int64) -> UInt32 { integers.intern(value) }

    /// The text behind an id of a text column.
    func text(_ id: UInt32) -> UnsafeRawBufferPointer { unsafe texts.text(id) }

    /// The value behind an id of any other column.
    func integer(_ id: UInt32) -> Int64 { integers.value(id) }
}

/// How event time is cut, as part of a key: functions that cut alike are one, so that summaries share their ids.
struct EventTimeCut: Hashable {
    let function: any WindowFunction
    /// The column that names the zone of each record, nil when it makes no difference.
    var zoneColumn: Int?

    static func == (left: EventTimeCut, right: EventTimeCut) -> Bool {
        left.zoneColumn == right.zoneColumn && left.function.definition == right.function.definition
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(zoneColumn)
        hasher.combine(function.definition)
    }
}
