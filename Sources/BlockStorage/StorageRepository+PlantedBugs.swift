import BlockModel
import BlockRuntime

/// Promises that the planted bug `promiseNotDurable` keeps from the disk. None in what ships.
struct VolatilePromises {
    #if SIMULATION_HOOKS
    private var records: [CollectionID: RegisterRecord] = [:]
    #endif

    func record(of collection: CollectionID) -> RegisterRecord? {
        #if SIMULATION_HOOKS
        return records[collection]
        #else
        return nil
        #endif
    }

    func merge(from lowest: CollectionID, into merged: inout [CollectionID: RegisterRecord]) {
        #if SIMULATION_HOOKS
        for (collection, record) in records where collection >= lowest {
            merged[collection] = record
        }
        #endif
    }

    /// - Returns: Whether the record stays here and is not to be written.
    mutating func keep(
        _ record: RegisterRecord, of collection: CollectionID, from engine: any KeyValueEngine
    ) throws(DatabaseError) -> Bool {
        #if SIMULATION_HOOKS
        records[collection] = nil
        guard planted(.promiseNotDurable) else { return false }
        let key = StorageKeys.register(collection)
        let stored = try engine.get(key)
        let durable = try stored.map { value throws(DatabaseError) in
            try SealedRecord.openRegister(value, under: key)
        }
        let before = durable ?? .untouched
        guard record.accepted == before.accepted, record.value == before.value else { return false }
        records[collection] = record
        return true
        #else
        return false
        #endif
    }
}
