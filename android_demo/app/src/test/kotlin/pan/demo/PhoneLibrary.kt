package pan.demo

import java.io.File

/** TensorFlow Lite for phones, on this machine: `android_demo/standins`. */
object PhoneLibrary {
    private var isLoaded = false

    /** Loads it in the class loader of the app's classes; once in a JVM. */
    @Synchronized
    fun load() {
        if (isLoaded) return
        val folder = File(System.getProperty("standins"))
        for (name in listOf("libc.so", "libm.so", "libdl.so", "liblog.so")) System.load(File(folder, name).path)
        System.load(System.getProperty("tflite.library"))
        isLoaded = true
    }
}
