import Optimystic

struct Event: Codable, Sendable {
    let name: String
    let amount: Int
}

struct Country: Codable, Sendable {
    let name: String
    let population: Int
}

func sample(url: String) async throws -> [String] {
    let database = try await Database.connect(url)
    defer { database.close() }

    // Opens the diary, and creates it when there is none.
    let events = try await database.diary("events", of: Event.self)

    // When this returns, the entry is on the disks of a majority of the replicas, once.
    let deposit = try await events.append(Event(name: "deposit", amount: 10))

    // An id of our own: a retry lands once, also after a restart of this program.
    let id = database.makeActionID()
    let firstRevision = events.revision
    let withdrawal = Event(name: "withdrawal", amount: 3)
    do {
        try await events.append(withdrawal, id: id, firstRevision: firstRevision)
    } catch let error as DatabaseError where error.outcome == .unknown {
        try await events.append(withdrawal, id: id, firstRevision: firstRevision)
    }

    // As of one revision: what is appended meanwhile does not show.
    var names: [String] = []
    for try await entry in events.entries(from: .start, direction: .backward) {
        names.append("\(entry.position) \(entry.value.name)")
    }

    // What comes behind a position, and what will come: to go on after a restart, keep its text.
    for try await entry in events.follow(after: deposit) {
        names.append("\(entry.position) \(entry.value.name)")
        break
    }

    // History is kept for ever unless somebody says how much of it is enough.
    try await database.setRetention("events", to: .last(1000))

    // A tree: several keys change as one atomic action, or, when a condition fails, not at all.
    let countries = try await database.tree("countries", key: String.self, value: Country.self)
    let commit = try await countries.replace([
        .set("FI", Country(name: "Finland", population: 5_600_000)),
        .set("PT", Country(name: "Portugal", population: 10_300_000)), .remove("XX"),
    ])
    for try await (code, country) in countries.asOf(revision: commit.revision).entries(in: "F"...) {
        names.append("\(code) \(country.name)")
    }

    // What the body reads is still so when all of it takes effect, in every collection or in none.
    try await database.withTransaction { transaction in
        let finland = try await transaction.require(countries, "FI")
        let grown = Country(name: finland.name, population: finland.population + 1)
        try transaction.set(countries, "FI", to: grown)
        try transaction.append(events, Event(name: "growth", amount: 1))
    }

    // A moment of both. Its text is "\(moment)", from which RevisionVector(text:) makes it again.
    let moment = try await database.snapshot(of: [countries, events])
    names.append("countries \(try await countries.asOf(moment).count())")
    return names
}
