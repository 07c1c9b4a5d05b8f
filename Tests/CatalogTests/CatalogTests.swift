import Catalog
import LocalServices
import Postgres
import Testing
