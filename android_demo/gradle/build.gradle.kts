// Not run where this project is tested: see README.md.
plugins {
    id("com.android.application") version "8.13.2" apply false
    // The Kotlin that the sources are tested with; it needs version 8.5.2 of the Android plugin, or later.
    id("org.jetbrains.kotlin.android") version "2.4.21" apply false
}
